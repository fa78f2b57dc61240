// SPDX-License-Identifier: BSD-3-Clause
#include "process/heartbeats.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <doctest/doctest.h>
#include <random>
#include <utility>

#include "process/messages.hpp"

namespace mistamover::test {

using namespace process;
using namespace std::chrono_literals;

TEST_CASE("children that were started together beat at all times of an interval") {
    constexpr std::chrono::milliseconds interval = 600s;
    std::minstd_rand random;  // NOLINT(cert-msc51-cpp): the same each time
    std::array<int, 10> beats{};
    for (int child = 0; child < 300; ++child) {
        const auto delay = spread_over(interval, random);
        REQUIRE(delay >= 0ms);
        REQUIRE(delay <= interval);
        ++beats.at(std::min<std::size_t>(static_cast<std::size_t>(delay / (interval / 10)), 9));
    }
    for (const int count : beats) {
        CHECK(count > 10);
        CHECK(count < 60);
    }
}

TEST_CASE("a child beats at once, and goes on") {
    EventLoop loop;
    auto ends = socket_pair();
    Channel child(
        loop, std::move(ends.first), [](Message&&) {}, [] {});
    int beats = 0;
    Channel controller(
        loop, std::move(ends.second),
        [&](Message&& message) {
            CHECK(std::holds_alternative<Heartbeat>(message));
            if (++beats == 3) {
                loop.stop();
            }
        },
        [] {});
    const Heartbeats heartbeats(loop, child, 1ms);
    loop.run();
    CHECK(beats == 3);
}

}  // namespace mistamover::test
