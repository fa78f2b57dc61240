// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_clock.hpp"

#include <algorithm>
#include <cstddef>

namespace mistamover::ftp {
namespace {

// What is told is cut to these.
constexpr ServerClock::Time told_precision = std::chrono::seconds{1};
constexpr ServerClock::Time longest_look = std::chrono::minutes{1};
// Two looks at one and the same offset are no farther apart.
constexpr ServerClock::Time jitter = 2 * longest_look;

}  // namespace

bool ServerClock::is_due(Time now) const {
    constexpr Time known_for = std::chrono::hours{1};
    constexpr Time unknown_for = std::chrono::minutes{1};
    const std::lock_guard lock(mutex_);
    const Time pause = periods_.empty() ? unknown_for : known_for;
    return now < tried_ || now - tried_ >= pause;
}

void ServerClock::note_try(Time now) {
    const std::lock_guard lock(mutex_);
    tried_ = now;
}

void ServerClock::note(const Look& look) {
    constexpr std::size_t most_periods = 32;
    const Time took = look.after - look.before;
    if (took < Time{0} || took > longest_look) {
        return;
    }
    const Time ahead = look.told + told_precision - look.before;
    const std::lock_guard lock(mutex_);
    if (!periods_.empty() && ahead - periods_.back().ahead <= jitter &&
        periods_.back().ahead - ahead <= jitter) {
        periods_.back().ahead = std::max(periods_.back().ahead, ahead);
        return;
    }
    periods_.push_back({look.after, ahead});
    if (periods_.size() > most_periods) {
        periods_[1].ahead = std::max(periods_[0].ahead, periods_[1].ahead);
        periods_[1].since = periods_[0].since;
        periods_.erase(periods_.begin());
    }
}

// The earliest of all times at which it can have been stored.
ServerClock::Time ServerClock::time_of(Time told) const {
    const std::lock_guard lock(mutex_);
    if (periods_.empty()) {
        return told;
    }
    Time earliest = told - periods_.back().ahead;
    for (std::size_t i = 0; i + 1 < periods_.size(); ++i) {
        const Time time = told - periods_[i].ahead;
        if (time < periods_[i + 1].since) {
            earliest = std::min(earliest, time);
        }
    }
    return earliest;
}

}  // namespace mistamover::ftp
