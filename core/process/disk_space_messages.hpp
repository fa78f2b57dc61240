// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// What the controller and a disk space monitor say to each other, and, for the units that the monitor
/// deletes, the controller and the transfer process. Encoded with the other messages.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mistamover::process {

// --- controller to disk space monitor ---

/// After Configure, whose settings are the global ones: a stream, as far as it lies on the monitor's file
/// system. A directory that does not is empty here.
struct MonitorStream {
    std::string name;
    std::int64_t priority = 0;
    bool deletion_enabled = false;
    std::vector<std::string> stop_files;  ///< Their whole paths: what is made to hold arrivals back.
    std::string arrivals_dir;
    std::string arrivals_control_extension;
    std::string data_dir;
    std::string data_control_extension;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::string quarantine_dir;    ///< Told wherever it lies: it is never a unit itself.
    bool quarantine_here = false;  ///< It lies on the monitor's file system.
};
/// All streams have been told.
struct StreamsKnown {};

// --- disk space monitor to controller ---

enum class SpaceState : std::uint8_t { good, okay, low, vlow };

struct PlannedDeletion {
    std::string stream;
    std::string path;
    std::uint64_t bytes = 0;
};

struct DiskSpaceReport {
    SpaceState state = SpaceState::good;
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t free_inodes = 0;
    std::uint64_t total_inodes = 0;          ///< 0: the file system does not count them.
    std::int64_t bytes_per_second = 0;       ///< Of free space; negative: it fills.
    std::int64_t seconds_to_low = -1;        ///< At that rate; -1: not in sight.
    std::uint64_t stopped = 0;               ///< Streams that a `.stop` of the monitor's holds back,
    std::vector<std::string> stopped_names;  ///< and the first of them.
    std::vector<PlannedDeletion> plan;       ///< What is deleted next, in this order, where it comes to that.
    std::uint64_t deleted_units = 0;         ///< Since the monitor was started.
    std::uint64_t deleted_bytes = 0;
    std::string last_error;
    std::int64_t last_error_time = 0;  ///< Seconds since 1970; 0: none.
};

// --- disk space monitor to controller to transfer process, and back ---

/// These units of a stream's directory, whatever the stream is called, are about to be deleted: send none of
/// them. Answered by UnitsHeld.
struct HoldUnits {
    std::uint64_t request = 0;
    std::string directory;
    std::vector<std::string> names;
};
/// Those of them that are not under way, and will not be before they are released.
struct UnitsHeld {
    std::uint64_t request = 0;
    std::vector<std::string> names;
};
/// Whatever was held in the directory is deleted, or free again.
struct ReleaseUnits {
    std::string directory;
};

/// "GOOD" and so on.
std::string_view to_string(SpaceState state) noexcept;

}  // namespace mistamover::process
