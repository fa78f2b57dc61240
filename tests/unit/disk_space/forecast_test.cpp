// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/forecast.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

using disk_space::Forecast;
using namespace std::chrono_literals;

TEST_CASE("the time that is left follows from the rate") {
    const Forecast::Time begin{};
    Forecast forecast;
    forecast.add(begin, 10'000);
    CHECK(forecast.rate() == 0);
    CHECK_FALSE(forecast.time_to(1'000).has_value());
    forecast.add(begin + 10s, 9'000);
    CHECK(forecast.rate() == -100);
    CHECK(forecast.time_to(1'000) == 80s);
    forecast.add(begin + 20s, 4'000);
    CHECK(forecast.rate() == -300);
    CHECK(forecast.latest_rate() == -500);
    CHECK(forecast.time_to(1'000) == 10s);
    CHECK_FALSE(forecast.time_to(5'000).has_value());  // past already
}

TEST_CASE("what was long ago does not count, and a disk that empties never ends") {
    const Forecast::Time begin{};
    Forecast forecast;
    forecast.add(begin, 1'000'000);
    for (int i = 1; i <= 30; ++i) {
        forecast.add(begin + i * 1min, 1'000 + static_cast<std::uint64_t>(i) * 600);
    }
    CHECK(forecast.rate() == 10);
    CHECK_FALSE(forecast.time_to(0).has_value());
}

}  // namespace mistamover::test
