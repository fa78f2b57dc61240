// SPDX-License-Identifier: BSD-3-Clause
#include "stream/session_limit.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {

TEST_CASE("a stream settles on the sessions that it gets, tells it once, and tries more after a while") {
    using namespace std::chrono_literals;
    const auto start = SessionLimit::Clock::time_point{} + 1h;
    SessionLimit limit(4);
    CHECK(limit.at(start) == 4);
    CHECK(limit.refused(2, start));
    CHECK(limit.at(start) == 2);
    CHECK_FALSE(limit.refused(2, start + 1s));
    CHECK_FALSE(limit.refused(1, start + 2s));
    CHECK(limit.at(start + 3s) == 1);
    const auto later = start + 3s + SessionLimit::tried_again_after;
    CHECK(limit.at(later) == 4);
    CHECK_FALSE(limit.refused(1, later));
    CHECK(limit.at(later) == 1);
}

}  // namespace mistamover::stream
