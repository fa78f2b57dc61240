// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_health.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;
using News = TargetHealth::News;

const RetryPolicy health_policy{1s, 8s, true};
const TargetHealth::Clock::time_point first_try{100s};
const Status target_lost{StatusCode::connection_lost, StatusScope::session, "lost"};
const Status wrong_password{StatusCode::authentication, StatusScope::stream, "wrong password"};

}  // namespace

TEST_CASE("it keeps away for longer and longer, and tells the first failure and the recovery") {
    TargetHealth health(health_policy);
    CHECK(health.well());
    CHECK(health.failed(target_lost, first_try, 1) == News::first_failure);
    CHECK_FALSE(health.well());
    CHECK(health.backs_off(first_try + 999ms));
    CHECK_FALSE(health.backs_off(first_try + 1s));
    CHECK(health.next_try(first_try) == first_try + 1s);
    CHECK(health.failed(target_lost, first_try + 1s, 1) == News::further_failure);
    CHECK(health.next_try(first_try + 1s) == first_try + 3s);
    CHECK(health.failures() == 2);
    CHECK(health.worked(first_try + 3s) == News::recovered);
    CHECK(health.well());
    CHECK_FALSE(health.next_try(first_try + 3s).has_value());
    CHECK(health.worked(first_try + 4s) == News::none);
    CHECK(health.failed(target_lost, first_try + 5s, 1) == News::first_failure);
    CHECK(health.next_try(first_try + 5s) == first_try + 6s);
}

TEST_CASE("sessions that meet the same failure together count once") {
    TargetHealth health(health_policy);
    health.failed(target_lost, first_try, 1);
    CHECK(health.failed(target_lost, first_try + 10ms, 1) == News::none);
    CHECK(health.failures() == 1);
    CHECK(health.next_try(first_try) == first_try + 1s);
}

TEST_CASE("what was begun before the last failure tells nothing of the target now") {
    TargetHealth health(health_policy);
    health.failed(target_lost, first_try, 1);
    CHECK(health.worked(first_try - 1ms) == News::none);
    CHECK_FALSE(health.well());
    CHECK(health.backs_off(first_try + 10ms));
}

TEST_CASE("a failure of the stream is told once and stays") {
    TargetHealth health(health_policy);
    CHECK(health.failed(wrong_password, first_try, 1) == News::stream_failed);
    CHECK(health.failed(wrong_password, first_try + 1h, 1) == News::none);
    CHECK(health.worked(first_try + 2h) == News::none);
    REQUIRE(health.stream_failure().has_value());
    CHECK(health.stream_failure()->text() == "wrong password");
    CHECK_FALSE(health.well());
}

TEST_CASE("a stop file suspends without being a failure") {
    TargetHealth health(health_policy);
    health.suspend(first_try + 10s);
    CHECK(health.well());
    CHECK(health.suspended(first_try + 9s));
    CHECK_FALSE(health.suspended(first_try + 10s));
    CHECK(health.next_try(first_try) == first_try + 10s);
    health.failed(target_lost, first_try, 1);
    CHECK(health.next_try(first_try) == first_try + 10s);
}

}  // namespace mistamover::stream
