// SPDX-License-Identifier: BSD-3-Clause
#include "stream/retry_policy.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {

using namespace std::chrono_literals;

TEST_CASE("the delay doubles up to the cap, and jitter spreads it over the upper half") {
    const RetryPolicy policy{1s, 5s, true};
    CHECK(policy.delay(1, 0) == 500ms);
    CHECK(policy.delay(1, 1) == 1s);
    CHECK(policy.delay(2, 1) == 2s);
    CHECK(policy.delay(3, 1) == 4s);
    CHECK(policy.delay(4, 1) == 5s);
    CHECK(policy.delay(1000, 1) == 5s);
}

TEST_CASE("a configured delay does not grow") {
    const RetryPolicy policy{1s, 600s, false};
    CHECK(policy.delay(9, 1) == 1s);
}

}  // namespace mistamover::stream
