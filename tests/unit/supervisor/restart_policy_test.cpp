// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/restart_policy.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

using namespace std::chrono_literals;
using supervisor::RestartPolicy;

TEST_CASE("each end in a row doubles the pause, up to two seconds") {
    RestartPolicy policy;
    for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
        CHECK(policy.next_pause(1s, 0) == expected);
    }
    for (int i = 0; i < 1000; ++i) {
        CHECK(policy.next_pause(1s, 0) == 2000ms);
    }
}

TEST_CASE("chance leaves out up to a half") {
    CHECK(RestartPolicy().next_pause(1s, 0) == 100ms);
    CHECK(RestartPolicy().next_pause(1s, 0.5) == 75ms);
    CHECK(RestartPolicy().next_pause(1s, 1) == 50ms);
    CHECK(RestartPolicy().next_pause(1s, 7) == 50ms);
}

TEST_CASE("a process that had run for long begins anew") {
    RestartPolicy policy;
    policy.next_pause(1s, 0);
    CHECK(policy.next_pause(60s, 0) == 200ms);
    CHECK(policy.next_pause(61s, 0) == 100ms);
    CHECK(policy.next_pause(1s, 0) == 200ms);
}

TEST_CASE("where the first restart is to be at once, only the first is") {
    RestartPolicy policy(RestartPolicy::First::at_once);
    CHECK(policy.next_pause(1s, 0) == 0ms);
    CHECK(policy.next_pause(1s, 0) == 200ms);
    CHECK(policy.next_pause(61s, 0) == 0ms);
}

TEST_CASE("random jitter is from 0 to 1 and varies") {
    const double first = supervisor::random_jitter();
    bool varies = false;
    for (int i = 0; i < 100; ++i) {
        const double jitter = supervisor::random_jitter();
        CHECK(jitter >= 0);
        CHECK(jitter <= 1);
        varies = varies || jitter != first;
    }
    CHECK(varies);
}

}  // namespace mistamover::test
