// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "stream/manifest.hpp"
#include "stream/target_tree.hpp"

namespace mistamover::stream {

/// What is in the stream's directory, for a mirror.
struct MirrorSource {
    std::vector<ManifestEntry> entries;  ///< Directories before what is in them.
    /// Of `entries`, those that may be in the middle of a change: neither sent nor deleted in this pass.
    std::unordered_set<std::string> unsettled;
    /// Units whose contents cannot be told: at the target they stay as they are.
    std::unordered_set<std::string> unknown;
};

struct MirrorDifference {
    std::vector<const ManifestEntry*> send;  ///< Directories before what is in them.
    /// Of another kind than the source: to be removed before anything is sent. Contents before directories.
    std::vector<std::string> replace;
    std::vector<std::string> vanished;  ///< Not in the source any more, likewise ordered.
};

/// What must be done to the target to make it equal to the source. A file counts as the same if its size is,
/// and its modification time to the target's precision and range; where the target keeps no times, if it is
/// not newer at the source, by more than its precision where that is coarser than a second. The result refers
/// to `source`. Pure.
MirrorDifference mirror_difference(const MirrorSource& source, const std::vector<TargetEntry>& target,
                                   bool target_keeps_times);

}  // namespace mistamover::stream
