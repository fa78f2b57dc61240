// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "sftp/server_clock.hpp"

namespace mistamover::sftp {
namespace {

using namespace std::chrono_literals;
using Time = ServerClock::Time;
using Moment = ServerClock::Moment;

constexpr Time noon = 1'700'000'000s;
constexpr Time since_boot = 100h;

/// So long after noon, where the clock is set meanwhile by `set`.
Moment after_noon(Time passed, Time set = 0s) {
    return {noon + passed + set, since_boot + passed};
}

std::uint32_t seconds(Time time) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

/// Whether what was stored at noon, at a server that was `ahead` then, counts as stored by then, and no
/// earlier than `margin` before.
bool is_told(const ServerClock& clock, Time ahead, Time margin) {
    const Time time = clock.time_of(noon + ahead);
    return time <= noon && noon - time <= margin;
}

}  // namespace

TEST_CASE("times are told as they are where nothing is known of a server's clock, or that it is behind") {
    ServerClock clock;
    CHECK(clock.time_of(noon) == noon);
    clock.note(after_noon(0s), after_noon(1s), std::nullopt);
    CHECK(clock.time_of(noon) == noon);
    clock.note(after_noon(0s), after_noon(1s), seconds(noon - 5min));
    CHECK(clock.time_of(noon) == noon);
    clock.note(after_noon(0s), after_noon(1s), 0);
    CHECK(clock.time_of(noon) == noon);
}

TEST_CASE("how far a server's clock is ahead is taken off, never too little") {
    for (const Time took : {Time(0s), Time(3s), Time(90s)}) {
        CAPTURE(took.count());
        // The file may have been stored at any time in between, and its time be cut to even seconds.
        for (const Time stored : {Time{0s}, took}) {
            ServerClock clock;
            const std::uint32_t told = seconds(noon + stored + 300s) & ~1U;
            clock.note(after_noon(0s), after_noon(took), told);
            CHECK(is_told(clock, 300s, took + 3s));
        }
    }
}

TEST_CASE("a clock of this machine that is set meanwhile makes nothing younger than it is") {
    for (const Time set : {Time(-1h), Time(-2s), Time(2s), Time(1h)}) {
        CAPTURE(set.count());
        ServerClock clock;
        // What it is ahead of the clock as that is now, and was before.
        clock.note(after_noon(0s), after_noon(3s, set), seconds(noon + 3s + 300s));
        CHECK(clock.time_of(noon + 300s) <= noon);
        CHECK(clock.time_of(noon + 300s) <= noon + set);
    }
    // Suspended for an hour.
    ServerClock clock;
    clock.note(after_noon(0s), {noon + 1h, since_boot}, seconds(noon + 300s));
    CHECK(is_told(clock, 300s, 3s));
}

TEST_CASE("a server's clock that is mended makes nothing younger than it is") {
    ServerClock clock;
    clock.note(after_noon(0s), after_noon(0s), seconds(noon + 300s));
    clock.note(after_noon(1h), after_noon(1h), seconds(noon + 1h));
    CHECK(is_told(clock, 300s, 3s));
    clock.note(after_noon(2h), after_noon(2h), seconds(noon + 2h + 600s));
    CHECK(is_told(clock, 600s, 3s));
}

TEST_CASE("a server's clock is looked at once an hour, and soon again where the look has told nothing") {
    ServerClock clock;
    CHECK(clock.is_due(after_noon(0s)));
    clock.note(after_noon(0s), after_noon(0s), std::nullopt);
    CHECK_FALSE(clock.is_due(after_noon(59s)));
    CHECK(clock.is_due(after_noon(1min)));
    clock.note(after_noon(1min), after_noon(1min), seconds(noon));
    CHECK_FALSE(clock.is_due(after_noon(1h, 24h)));
    CHECK(clock.is_due(after_noon(61min, -24h)));
}

}  // namespace mistamover::sftp
