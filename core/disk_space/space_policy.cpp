// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/space_policy.hpp"

#include <algorithm>

namespace mistamover::disk_space {
namespace {

std::uint64_t upwards(std::uint64_t level) {
    return level + level / 100;
}

std::uint64_t inodes_as_bytes(const Space& space) {
    const double share = static_cast<double>(space.free_inodes) / static_cast<double>(space.total_inodes);
    return static_cast<std::uint64_t>(share * static_cast<double>(space.total_bytes));
}

}  // namespace

std::uint64_t effective_free(const Space& space) {
    return space.total_inodes == 0 ? space.free_bytes : std::min(space.free_bytes, inodes_as_bytes(space));
}

bool short_of_inodes(const Space& space) {
    return effective_free(space) < space.free_bytes;
}

SpaceState next_state(std::optional<SpaceState> before, std::uint64_t free, const Levels& levels) {
    // Whatever was well before stays so down to the level itself; to become well takes more.
    const auto needed = [&](SpaceState at_least, std::uint64_t level) {
        return !before || *before <= at_least ? level : upwards(level);
    };
    if (free < needed(SpaceState::low, levels.vlow)) {
        return SpaceState::vlow;
    }
    if (free < needed(SpaceState::okay, levels.low)) {
        return SpaceState::low;
    }
    return free > needed(SpaceState::good, levels.good) ? SpaceState::good : SpaceState::okay;
}

std::uint64_t enough_after_vlow(const Levels& levels) {
    return upwards(levels.vlow);
}

StopAction stop_action(SpaceState state, bool exhausted, const StreamStanding& stream) {
    const bool release = state == SpaceState::good || (state == SpaceState::okay && stream.above_base);
    if (release) {
        return stream.seen == StopSeen::own ? StopAction::remove : StopAction::none;
    }
    const bool hold = stream.above_base ? exhausted && state == SpaceState::vlow : state >= SpaceState::low;
    return hold && stream.seen == StopSeen::absent && !stream.placed ? StopAction::place : StopAction::none;
}

}  // namespace mistamover::disk_space
