// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/health.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

using namespace std::chrono_literals;
using supervisor::HealthCheck;

TEST_CASE("who was silent for too long hangs") {
    HealthCheck check;
    const HealthCheck::Time start{1h};
    for (int look = 0; look <= 4; ++look) {
        check.begin(start + look * HealthCheck::interval);
    }
    const HealthCheck::Time now = start + 4 * HealthCheck::interval;
    CHECK_FALSE(check.hangs(now));
    CHECK_FALSE(check.hangs(now - HealthCheck::longest_silence));
    CHECK(check.hangs(now - HealthCheck::longest_silence - 1s));
}

TEST_CASE("the first look blames nobody") {
    HealthCheck check;
    check.begin(HealthCheck::Time{1h});
    CHECK_FALSE(check.hangs(HealthCheck::Time{1s}));
}

TEST_CASE("after a sleep of the controller itself nobody is blamed for the time of the sleep") {
    HealthCheck check;
    HealthCheck::Time now{1h};
    check.begin(now);
    const HealthCheck::Time heard = now;
    now += 10min;
    check.begin(now);
    CHECK_FALSE(check.hangs(heard));
    for (int look = 0; look < 4; ++look) {
        now += HealthCheck::interval;
        check.begin(now);
    }
    CHECK(check.hangs(heard));
}

}  // namespace mistamover::test
