// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// What the controller and its children say to each other. Both ends are the same executable, so the encoding
/// is private to it: a type byte, then the fields in order, integers as 8 bytes in host order, strings with
/// their length in front.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "process/disk_space_messages.hpp"

namespace mistamover::process {

// --- controller to child ---

/// The first message to every child.
struct Configure {
    std::string settings;  ///< config::serialize_settings.
    bool one_off = false;
    std::string work_dir;  ///< Under run_dir, of mode 0700, for this child alone.
    /// Units that are not to be sent before ReleaseUnits: the disk space monitor deletes them.
    std::vector<std::string> held;
};
/// Entries of the watched directory that may have changed.
struct Changed {
    std::vector<std::string> names;
};
/// Look at the whole directory: events were lost, or the watch has only now begun.
struct Rescan {};
/// The directory cannot be watched: poll it.
struct WatchFailed {
    std::string reason;
};
/// Finish or cleanly abandon what is in flight within `grace_ms`, then exit.
struct Stop {
    std::int64_t grace_ms = 0;
};
/// Finish the units in hand and start no other (SIGUSR1, `status: STOPPED`).
struct StopStream {};

// --- child to controller ---

/// A child that transfers, and a disk space monitor, says something this often.
inline constexpr std::chrono::seconds heartbeat_interval{60};
/// Any other child of a stream does so: seldom, since hundreds of them shall use no CPU.
inline constexpr std::chrono::seconds idle_heartbeat_interval{600};
/// Sent by who has nothing else to say.
struct Heartbeat {};
/// Answered by Rescan once the watch is in place, or by WatchFailed.
struct WatchRequest {
    std::string path;
    bool recursive = false;
    std::string dot_file;  ///< The only name with a dot in front that counts; empty: every one does.
};

enum class StreamState : std::uint8_t {
    starting,
    idle,  ///< Nothing to send.
    transferring,
    waiting,      ///< Units are there, but being written, or waiting for a retry.
    suspended,    ///< A .stop file, here or at the target.
    backing_off,  ///< The connection or the host failed.
    failed,       ///< The stream failed: it waits for a change of configuration.
    stopped,      ///< `status: STOPPED` or SIGUSR1.
    complete,     ///< The completion file was delivered.
};

struct StreamReport {
    StreamState state = StreamState::starting;
    std::string reason;  ///< For people: why it is in this state.
    std::uint64_t backlog_units = 0;
    std::uint64_t backlog_bytes = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t delivered_units = 0;
    std::uint64_t delivered_bytes = 0;
    std::uint64_t sent_bytes = 0;  ///< Those of units in flight, and of tries that have failed, included.
    std::uint64_t bytes_per_second = 0;  ///< Of what is sent, over the last few seconds.
    std::uint64_t quarantined_units = 0;
    std::string last_error;
    std::int64_t last_error_time = 0;  ///< Seconds since 1970; 0: none.
};

/// One-off: something that was not delivered, and why.
struct UnitLeft {
    std::string name;
    std::string reason;
};

/// The child has done what it was started for and exits next. `clean`: nothing was left, failed or
/// quarantined.
struct Finished {
    bool clean = true;
};

using Message = std::variant<Configure, Changed, Rescan, WatchFailed, Stop, StopStream, Heartbeat,
                             WatchRequest, StreamReport, UnitLeft, Finished, MonitorStream, StreamsKnown,
                             DiskSpaceReport, HoldUnits, UnitsHeld, ReleaseUnits>;

std::string encode(const Message& message);
/// Throws std::runtime_error on bytes that encode did not make.
Message decode(std::string_view bytes);

/// "idle", "backing-off" and so on, as `status` prints it.
std::string_view to_string(StreamState state) noexcept;

}  // namespace mistamover::process
