// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_clock.hpp"

#include <doctest/doctest.h>

namespace mistamover::ftp {
namespace {

using namespace std::chrono_literals;
using Time = ServerClock::Time;

/// Midnight of some day in October, by this machine's clock.
constexpr Time midnight = 1'700'000'000s;

/// A look at the file of a server that was `ahead` then, and took `took`.
void look(ServerClock& clock, Time when, Time ahead, Time took = 0s) {
    clock.note({when, when + took, when + took + ahead});
    clock.note_try(when + took);
}

/// Whether a file that was stored `stored` at a server that was `ahead` then counts as stored by then, and no
/// earlier than a few seconds before.
bool is_told(const ServerClock& clock, Time stored, Time ahead) {
    const Time told = clock.time_of(stored + ahead);
    return told <= stored && stored - told <= 5s;
}

}  // namespace

TEST_SUITE_BEGIN("ftp_clock");

TEST_CASE("times are told as they are where nothing is known of the clock") {
    const ServerClock clock;
    CHECK(clock.time_of(midnight) == midnight);
}

TEST_CASE("how far a clock is ahead, or behind, is taken off, never too little") {
    for (const Time ahead : {Time(2h), Time(0s), Time(-5h), Time(-90s)}) {
        CAPTURE(ahead.count());
        ServerClock clock;
        look(clock, midnight, ahead, 2s);
        CHECK(is_told(clock, midnight + 10min, ahead));
        look(clock, midnight + 1h, ahead, 1s);
        CHECK(is_told(clock, midnight + 70min, ahead));
        // What took so long tells too little.
        look(clock, midnight + 2h, ahead, 5min);
        CHECK(is_told(clock, midnight + 130min, ahead));
    }
}

TEST_CASE("a look over which this machine's clock was set back tells nothing") {
    ServerClock clock;
    look(clock, midnight, 2h);
    look(clock, midnight + 1h, 2h, -10min);
    CHECK(is_told(clock, midnight + 70min, 2h));
}

TEST_CASE("what was stored before summer time ended is not taken for an hour younger, for ever") {
    // East and west of Greenwich.
    for (const Time summer : {Time(2h), Time(-4h)}) {
        CAPTURE(summer.count());
        const Time winter = summer - 1h;
        ServerClock clock;
        look(clock, midnight + 30min, summer);
        look(clock, midnight + 90min, winter);
        CHECK(is_told(clock, midnight + 55min, summer));
        // What may be of either season is taken for the older.
        CHECK(clock.time_of(midnight + 100min + winter) <= midnight + 100min);
        // What came later is told exactly: it is not sent again and again.
        CHECK(is_told(clock, midnight + 4h, winter));
        for (int hour = 3; hour < 100; ++hour) {
            look(clock, midnight + hour * 1h, winter);
        }
        CHECK(is_told(clock, midnight + 55min, summer));
        CHECK(is_told(clock, midnight + 99h, winter));
    }
}

TEST_CASE("when summer time begins, what was stored before counts as an hour older at most") {
    ServerClock clock;
    look(clock, midnight + 30min, 1h);
    look(clock, midnight + 90min, 2h);
    CHECK(clock.time_of(midnight + 20min + 1h) <= midnight + 20min);
    CHECK(is_told(clock, midnight + 3h, 2h));
}

TEST_CASE("a clock that is mended again and again is never taken to be less ahead than it was") {
    ServerClock clock;
    constexpr int mendings = 200;
    for (int hour = 0; hour < mendings; ++hour) {
        look(clock, midnight + hour * 1h, (mendings - hour) * 10min);
    }
    for (int hour = 0; hour < mendings; ++hour) {
        const Time stored = midnight + hour * 1h + 1min;
        CHECK(clock.time_of(stored + (mendings - hour) * 10min) <= stored);
    }
}

TEST_CASE("a clock is looked at once an hour, and soon again where the look has told nothing") {
    ServerClock clock;
    CHECK(clock.is_due(midnight));
    clock.note_try(midnight);
    CHECK_FALSE(clock.is_due(midnight + 59s));
    CHECK(clock.is_due(midnight + 1min));
    look(clock, midnight, 2h);
    CHECK_FALSE(clock.is_due(midnight + 59min));
    CHECK(clock.is_due(midnight + 1h));
    // A later look that tells nothing is no less a try.
    clock.note_try(midnight + 1h);
    CHECK_FALSE(clock.is_due(midnight + 119min));
    // This machine's clock was set back.
    CHECK(clock.is_due(midnight - 1s));
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
