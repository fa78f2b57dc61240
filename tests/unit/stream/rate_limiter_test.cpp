// SPDX-License-Identifier: BSD-3-Clause
#include "stream/rate_limiter.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {

using namespace std::chrono_literals;

TEST_CASE("each booking waits for the ones before it, whoever made them") {
    RateLimiter limiter(1000);
    const RateLimiter::Clock::time_point begin{100s};
    CHECK(limiter.book(500, begin) == begin);
    CHECK(limiter.book(1000, begin) == begin + 500ms);
    CHECK(limiter.book(1, begin + 100ms) == begin + 1500ms);
}

TEST_CASE("time that was not used is not saved up") {
    RateLimiter limiter(1000);
    const RateLimiter::Clock::time_point begin{100s};
    (void)limiter.book(1000, begin);
    CHECK(limiter.book(1000, begin + 1h) == begin + 1h);
    CHECK(limiter.book(1000, begin + 1h) == begin + 1h + 1s);
}

TEST_CASE("without a limit nothing waits") {
    RateLimiter limiter(0);
    const RateLimiter::Clock::time_point begin{100s};
    (void)limiter.book(UINT64_MAX, begin);
    CHECK(limiter.book(1, begin) == begin);
}

}  // namespace mistamover::stream
