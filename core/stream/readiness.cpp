// SPDX-License-Identifier: BSD-3-Clause
#include "stream/readiness.hpp"

#include <algorithm>

namespace mistamover::stream {
namespace {

/// Where no lease tells whether somebody writes.
constexpr std::chrono::milliseconds unwatchable_settle_time{5000};
/// A directory is complete when nothing in it has changed for this long: no event tells that its producer has
/// ended.
constexpr std::chrono::milliseconds directory_quiet_time{2000};

}  // namespace

std::chrono::milliseconds settle_time_left(const config::OutgoingSettings& settings, EntryKind kind,
                                           Writers writers, std::int64_t newest_change_ns,
                                           std::chrono::system_clock::time_point now) {
    using std::chrono::milliseconds;
    milliseconds needed = settings.settle_time.value_or(
        writers == Writers::cannot_tell ? unwatchable_settle_time : milliseconds{0});
    if (kind == EntryKind::directory) {
        needed = std::max(needed, directory_quiet_time);
    }
    if (needed.count() == 0) {
        return milliseconds{0};
    }
    const auto quiet = now.time_since_epoch() - std::chrono::nanoseconds{newest_change_ns};
    // A change in the future is a clock that was set back; it must not hold a file for long.
    return std::min(needed - std::chrono::floor<milliseconds>(quiet), needed);
}

}  // namespace mistamover::stream
