// SPDX-License-Identifier: BSD-3-Clause
#include "stream/settling.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

/// Beyond its time, a unit that nobody looks at: longer than any pause before the next try.
constexpr auto remembered_for = 20min;
/// In a mirror, whose passes may each take longer than that.
constexpr std::uint64_t remembered_passes = 2;
constexpr auto tidied_every = 1min;
/// More often where there is no room: to go through all of it has its price.
constexpr auto tidied_every_when_full = 1s;

// Inode numbers are left out: some file systems make them up anew.
std::size_t hash_of(const Manifest& manifest) {
    std::size_t hash = 0;
    const auto add = [&hash](auto value) {
        hash ^= std::hash<decltype(value)>{}(value) + 0x9E3779B97F4A7C15U + (hash << 6U) + (hash >> 2U);
    };
    for (const ManifestEntry& entry : manifest.entries) {
        add(std::string_view(entry.path));
        add(entry.identity.size);
        add(entry.identity.mtime_ns);
        add(entry.identity.ctime_ns);
    }
    return hash;
}

}  // namespace

Settling::Seen Settling::seen_in(const Look& look) {
    return {look.manifest.bytes, look.newest_change_ns, hash_of(look.manifest)};
}

// Of an earlier look its end counts, of this one its beginning: for all of the time between them, each entry
// was as it is.
std::chrono::milliseconds Settling::time_left(const std::string& name, const Look& look,
                                              std::chrono::milliseconds needed) {
    const Seen seen = seen_in(look);
    const std::lock_guard lock(mutex_);
    tidy(look.begun);
    if (units_.size() >= most_ && !units_.contains(name)) {
        return needed;
    }
    const auto [found, is_new] = units_.try_emplace(name, Unit{seen, look.ended});
    Unit& unit = found->second;
    if (!is_new && unit.seen != seen) {
        unit = {seen, look.ended};
    }
    const auto left =
        std::min(needed - std::chrono::floor<std::chrono::milliseconds>(look.begun - unit.since), needed);
    unit.settled = left.count() <= 0;
    unit.due = look.ended + std::max(left, 0ms);
    unit.pass = passes_;
    return left;
}

void Settling::note_clocks(std::chrono::system_clock::time_point now, Clock::time_point at) {
    const std::lock_guard lock(mutex_);
    ++passes_;
    note(now, at);
}

void Settling::note(std::chrono::system_clock::time_point now, Clock::time_point at) {
    least_ahead_ =
        std::min<std::chrono::nanoseconds>(least_ahead_, now.time_since_epoch() - at.time_since_epoch());
}

std::chrono::system_clock::time_point Settling::without_steps_forward(
    std::chrono::system_clock::time_point now, Clock::time_point at) {
    using WallClock = std::chrono::system_clock;
    const std::lock_guard lock(mutex_);
    note(now, at);
    return WallClock::time_point(
        std::chrono::duration_cast<WallClock::duration>(at.time_since_epoch() + least_ahead_));
}

void Settling::forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    units_.erase(name);
}

std::size_t Settling::size() const {
    const std::lock_guard lock(mutex_);
    return units_.size();
}

void Settling::tidy(Clock::time_point now) {
    const bool is_full = units_.size() >= most_;
    if (now - tidied_ < (is_full ? Clock::duration(tidied_every_when_full) : Clock::duration(tidied_every))) {
        return;
    }
    tidied_ = now;
    std::erase_if(units_, [&](const auto& entry) {
        const Unit& unit = entry.second;
        return (is_full && unit.settled) || is_out_of_sight(unit, now);
    });
}

// The pass in hand may not have come to it yet.
bool Settling::is_out_of_sight(const Unit& unit, Clock::time_point now) const {
    return now - unit.due > remembered_for && (passes_ == 0 || passes_ - unit.pass > remembered_passes);
}

}  // namespace mistamover::stream
