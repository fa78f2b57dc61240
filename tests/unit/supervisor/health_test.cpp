// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/health.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {
namespace {

using namespace std::chrono_literals;
using supervisor::Contact;
using supervisor::HealthCheck;

constexpr HealthCheck::Time start{1h};

HealthCheck awake_until(HealthCheck::Time now) {
    HealthCheck check;
    for (HealthCheck::Time look = start; look < now; look += HealthCheck::interval) {
        check.begin(look);
    }
    check.begin(now);
    return check;
}

Contact heard(HealthCheck::Time when) {
    Contact contact;
    contact.heard(when);
    return contact;
}

}  // namespace

TEST_CASE("who works and was silent for too long hangs") {
    const HealthCheck::Time now = start + 1h;
    const HealthCheck check = awake_until(now);
    for (const auto& [silence, hangs] : {std::pair{0s, false},
                                         {HealthCheck::longest_silence, false},
                                         {HealthCheck::longest_silence + 1s, true}}) {
        Contact contact = heard(now - silence);
        contact.works(true);
        CHECK(check.hangs(contact) == hangs);
        contact.works(false);
        CHECK_FALSE(check.hangs(contact));
    }
}

TEST_CASE("who is idle may be silent for longer") {
    const HealthCheck::Time now = start + 2h;
    const HealthCheck check = awake_until(now);
    CHECK_FALSE(check.hangs(heard(now - HealthCheck::longest_idle_silence)));
    CHECK(check.hangs(heard(now - HealthCheck::longest_idle_silence - 1s)));
}

TEST_CASE("who does not answer hangs, from the first that it was told and however often it is told more") {
    const HealthCheck::Time now = start + 1h;
    const HealthCheck check = awake_until(now);
    for (const auto& [silence, hangs] :
         {std::pair{HealthCheck::longest_silence, false}, {HealthCheck::longest_silence + 1s, true}}) {
        Contact contact = heard(now - 20min);
        contact.told(now - silence);
        contact.told(now - 1s);
        CHECK(check.hangs(contact) == hangs);
        contact.heard(now - 1s);
        CHECK_FALSE(check.hangs(contact));
    }
}

TEST_CASE("the first look blames nobody") {
    HealthCheck check;
    check.begin(HealthCheck::Time{1h});
    CHECK_FALSE(check.hangs(heard(HealthCheck::Time{1s})));
}

TEST_CASE("after a sleep of the controller itself nobody is blamed for the time of the sleep") {
    HealthCheck check;
    HealthCheck::Time now{1h};
    check.begin(now);
    Contact contact = heard(now);
    contact.told(now + 1s);
    now += 10min;
    check.begin(now);
    CHECK_FALSE(check.hangs(contact));
    for (int look = 0; look < 4; ++look) {
        now += HealthCheck::interval;
        check.begin(now);
    }
    CHECK(check.hangs(contact));
}

TEST_CASE("nobody is blamed for a time in which all may be held up, and times start anew after it") {
    HealthCheck::Time now = start;
    HealthCheck check = awake_until(now);
    Contact contact = heard(now);
    contact.works(true);
    const auto look = [&](HealthCheck::Children children) {
        now += HealthCheck::interval;
        check.begin(now, children);
        return check.hangs(contact);
    };
    for (int times = 0; times < 20; ++times) {
        CHECK_FALSE(look(HealthCheck::Children::may_be_held_up));
    }
    for (int times = 0; times < 3; ++times) {
        CHECK_FALSE(look(HealthCheck::Children::can_speak));
    }
    CHECK(look(HealthCheck::Children::can_speak));
}

}  // namespace mistamover::test
