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

std::chrono::milliseconds settle_time_needed(const config::OutgoingSettings& settings, EntryKind kind,
                                             Writers writers) {
    const auto needed = settings.settle_time.value_or(
        writers == Writers::cannot_tell ? unwatchable_settle_time : std::chrono::milliseconds{0});
    return kind == EntryKind::directory ? std::max(needed, directory_quiet_time) : needed;
}

// As if one had looked at nothing but this.
Look look_of_entry(const Look& whole, std::size_t index) {
    const ManifestEntry& entry = whole.manifest.entries[index];
    Look look;
    look.manifest.entries.push_back(entry);
    look.manifest.bytes = entry.identity.size;
    look.writers = whole.writers_of_entry[index];
    look.newest_change_ns = entry.identity.ctime_ns;
    look.remote = whole.remote;
    look.begun = whole.begun;
    look.ended = whole.ended;
    return look;
}

}  // namespace

std::chrono::milliseconds settle_time_left(const config::OutgoingSettings& settings, EntryKind kind,
                                           Writers writers, std::int64_t newest_change_ns,
                                           std::chrono::system_clock::time_point now) {
    using std::chrono::milliseconds;
    const milliseconds needed = settle_time_needed(settings, kind, writers);
    if (needed.count() == 0) {
        return milliseconds{0};
    }
    const auto quiet = now.time_since_epoch() - std::chrono::nanoseconds{newest_change_ns};
    // A change in the future is a clock that was set back; it must not hold a file for long.
    return std::min(needed - std::chrono::floor<milliseconds>(quiet), needed);
}

std::chrono::milliseconds settle_time_left(const config::OutgoingSettings& settings, const std::string& name,
                                           const Look& look, std::chrono::system_clock::time_point now,
                                           Settling& settling) {
    const EntryKind kind = look.manifest.entries.front().identity.kind;
    const auto needed = settle_time_needed(settings, kind, look.writers);
    if (needed.count() == 0) {
        return needed;
    }
    const auto steady_now = settling.without_steps_forward(now, look.begun);
    const auto by_clock = settle_time_left(settings, kind, look.writers, look.newest_change_ns, steady_now);
    if (!look.remote && by_clock.count() <= 0) {
        settling.forget(name);
        return by_clock;
    }
    const auto by_looks = settling.time_left(name, look, needed);
    return look.remote ? by_looks : std::min(by_clock, by_looks);
}

std::chrono::milliseconds settle_time_left_of_entry(const config::OutgoingSettings& settings,
                                                    const Look& look, std::size_t index,
                                                    std::chrono::system_clock::time_point now,
                                                    Settling& settling) {
    const ManifestEntry& entry = look.manifest.entries[index];
    if (settle_time_needed(settings, entry.identity.kind, look.writers_of_entry[index]).count() == 0) {
        return std::chrono::milliseconds{0};
    }
    return settle_time_left(settings, entry.path, look_of_entry(look, index), now, settling);
}

}  // namespace mistamover::stream
