// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/space_policy.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

using namespace disk_space;
using enum SpaceState;

namespace {

constexpr Levels levels{10'000, 5'000, 1'000};

}  // namespace

TEST_CASE("a level counts as it is on the way down") {
    CHECK(next_state({}, 10'001, levels) == good);
    CHECK(next_state({}, 10'000, levels) == okay);
    CHECK(next_state(good, 10'000, levels) == okay);
    CHECK(next_state(good, 5'000, levels) == okay);
    CHECK(next_state(okay, 4'999, levels) == low);
    CHECK(next_state(low, 1'000, levels) == low);
    CHECK(next_state(low, 999, levels) == vlow);
    CHECK(next_state(good, 0, levels) == vlow);
}

TEST_CASE("on the way up it takes a hundredth more, so that nothing flaps at a level") {
    CHECK(next_state(vlow, 1'009, levels) == vlow);
    CHECK(next_state(vlow, 1'010, levels) == low);
    CHECK(next_state(low, 5'049, levels) == low);
    CHECK(next_state(low, 5'050, levels) == okay);
    CHECK(next_state(vlow, 5'049, levels) == low);
    CHECK(next_state(okay, 10'100, levels) == okay);
    CHECK(next_state(okay, 10'101, levels) == good);
    CHECK(next_state(good, 10'050, levels) == good);
    CHECK(next_state(vlow, 20'000, levels) == good);
    CHECK(enough_after_vlow(levels) == 1'010);
}

TEST_CASE("inodes count like bytes, at the same share") {
    CHECK(effective_free({500, 1'000, 10, 100}) == 100);
    CHECK(short_of_inodes({500, 1'000, 10, 100}));
    CHECK(effective_free({50, 1'000, 90, 100}) == 50);
    CHECK_FALSE(short_of_inodes({50, 1'000, 90, 100}));
    CHECK(effective_free({50, 1'000, 0, 0}) == 50);  // a file system that has no number of them
}

TEST_CASE("streams at or below the base priority are stopped from LOW on, and freed at GOOD") {
    StreamStanding stream;
    CHECK(stop_action(good, false, stream) == StopAction::none);
    CHECK(stop_action(okay, false, stream) == StopAction::none);
    CHECK(stop_action(low, false, stream) == StopAction::place);
    CHECK(stop_action(vlow, false, stream) == StopAction::place);
    stream.seen = StopSeen::own;
    stream.placed = true;
    CHECK(stop_action(vlow, true, stream) == StopAction::none);
    CHECK(stop_action(low, false, stream) == StopAction::none);
    CHECK(stop_action(okay, false, stream) == StopAction::none);
    CHECK(stop_action(good, false, stream) == StopAction::remove);
}

TEST_CASE("streams above it are stopped only once nothing is left to delete, and freed at OKAY") {
    StreamStanding stream{true, StopSeen::absent, false};
    CHECK(stop_action(low, false, stream) == StopAction::none);
    CHECK(stop_action(vlow, false, stream) == StopAction::none);
    CHECK(stop_action(low, true, stream) == StopAction::none);
    CHECK(stop_action(vlow, true, stream) == StopAction::place);
    stream.seen = StopSeen::own;
    CHECK(stop_action(low, false, stream) == StopAction::none);
    CHECK(stop_action(okay, false, stream) == StopAction::remove);
}

TEST_CASE("an operator's word stands") {
    for (const SpaceState state : {good, okay, low, vlow}) {
        CHECK(stop_action(state, true, {true, StopSeen::foreign, false}) == StopAction::none);
        CHECK(stop_action(state, true, {false, StopSeen::foreign, true}) == StopAction::none);
        // He has taken the monitor's away.
        CHECK(stop_action(state, true, {false, StopSeen::absent, true}) == StopAction::none);
    }
}

}  // namespace mistamover::test
