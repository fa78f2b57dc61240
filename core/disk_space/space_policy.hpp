// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "process/disk_space_messages.hpp"

namespace mistamover::disk_space {

using process::SpaceState;

/// Free bytes at which the state changes; good > low > vlow.
struct Levels {
    std::uint64_t good = 0;
    std::uint64_t low = 0;
    std::uint64_t vlow = 0;
};

/// What the kernel says of a file system, as a user who is not root sees it.
struct Space {
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t free_inodes = 0;
    std::uint64_t total_inodes = 0;  ///< 0: it does not count them.
};

/// The free bytes that count: fewer than there are where inodes are the scarcer, in share of all.
std::uint64_t effective_free(const Space& space);
/// Whether effective_free tells of inodes.
bool short_of_inodes(const Space& space);

/// The state at `free` after `before` (nothing: at the start). Downwards a level counts as it is, upwards
/// with 1 % on top, so that what goes back and forth at a level changes nothing. Pure.
SpaceState next_state(std::optional<SpaceState> before, std::uint64_t free, const Levels& levels);

/// From where on it is no longer VLOW.
std::uint64_t enough_after_vlow(const Levels& levels);

/// What is seen where the monitor's `.stop` would be.
enum class StopSeen : std::uint8_t { absent, own, foreign };
enum class StopAction : std::uint8_t { none, place, remove };

/// What the policy knows of one stream.
struct StreamStanding {
    bool above_base = false;  ///< Its priority is above base_priority.
    StopSeen seen = StopSeen::absent;
    /// The monitor has placed one since it was last above LOW. One that is absent all the same was taken away
    /// by somebody who wants the stream to go on.
    bool placed = false;
};

/// What becomes of the `.stop` of one stream. `exhausted`: VLOW, and nothing is left to delete. Pure; a place
/// where a foreign one is seen is never touched.
StopAction stop_action(SpaceState state, bool exhausted, const StreamStanding& stream);

}  // namespace mistamover::disk_space
