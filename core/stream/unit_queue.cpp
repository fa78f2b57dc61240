// SPDX-License-Identifier: BSD-3-Clause
#include "stream/unit_queue.hpp"

#include <algorithm>
#include <cstdint>

namespace mistamover::stream {

void UnitQueue::make_ready(const std::string& name, Unit& unit) {
    unit.place = Place::ready;
    unit.changed = false;
    unit.failed = false;
    ready_.insert(key_of(name, unit));
}

void UnitQueue::leave_waiting(const std::string& name, const Unit& unit) {
    waiting_.erase({unit.due, name});
}

void UnitQueue::add(const Candidate& candidate) {
    if (held_.contains(candidate.name)) {
        return;
    }
    const auto [found, is_new] = units_.try_emplace(candidate.name);
    Unit& unit = found->second;
    if (is_new) {
        unit.identity = candidate.identity;
        bytes_ += candidate.identity.size;
        make_ready(candidate.name, unit);
    } else if (unit.place == Place::in_flight) {
        unit.changed = true;
    } else if (unit.place == Place::waiting && unit.wakes) {
        leave_waiting(candidate.name, unit);
        unit.times_written = 0;
        make_ready(candidate.name, unit);
    }
}

void UnitQueue::add_in_flight(const Candidate& candidate) {
    Unit& unit = units_.try_emplace(candidate.name).first->second;
    unit.identity = candidate.identity;
    unit.place = Place::in_flight;
    bytes_ += candidate.identity.size;
    ++in_flight_;
}

void UnitQueue::wake_due(Clock::time_point now) {
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
        const std::string name = waiting_.begin()->second;
        waiting_.erase(waiting_.begin());
        make_ready(name, units_.at(name));
    }
}

std::size_t UnitQueue::due(Clock::time_point now) {
    wake_due(now);
    return ready_.size();
}

// Among those that others were let go before, the one that had it least often stands for all.
std::set<UnitQueue::Key>::const_iterator UnitQueue::oldest_ready() const {
    const auto first = ready_.begin();
    const auto passed_over = ready_.lower_bound(Key{1, INT64_MIN, {}});
    return passed_over != ready_.end() && passed_over->mtime_ns < first->mtime_ns ? passed_over : first;
}

Candidate UnitQueue::take_ready(std::set<Key>::const_iterator which) {
    const std::string name = which->name;
    ready_.erase(which);
    Unit& unit = units_.at(name);
    unit.place = Place::in_flight;
    unit.reason.clear();
    ++in_flight_;
    return {name, unit.identity};
}

std::vector<Candidate> UnitQueue::take(std::size_t count, std::uint64_t bytes, Clock::time_point now) {
    wake_due(now);
    std::vector<Candidate> taken;
    if (count > 0 && !ready_.empty() && oldest_ready()->passes > 0) {
        taken.push_back(take_ready(oldest_ready()));
        return taken;
    }
    std::uint64_t sum = 0;
    while (taken.size() < count && !ready_.empty() && ready_.begin()->passes == 0) {
        sum += units_.at(ready_.begin()->name).identity.size;
        if (!taken.empty() && sum > bytes) {
            break;
        }
        taken.push_back(take_ready(ready_.begin()));
    }
    return taken;
}

std::vector<Candidate> UnitQueue::take_one(Clock::time_point now) {
    wake_due(now);
    std::vector<Candidate> taken;
    if (!ready_.empty()) {
        taken.push_back(take_ready(ready_.begin()));
    }
    return taken;
}

void UnitQueue::done(const std::string& name) {
    const auto found = units_.find(name);
    --in_flight_;
    bytes_ -= found->second.identity.size;
    units_.erase(found);
}

void UnitQueue::done_unless_changed(const std::string& name) {
    if (units_.at(name).changed) {
        put_back(name);
    } else {
        done(name);
    }
}

void UnitQueue::put_back(const std::string& name) {
    --in_flight_;
    make_ready(name, units_.at(name));
}

void UnitQueue::wait(const std::string& name, Clock::time_point when, bool wakes, std::string reason) {
    Unit& unit = units_.at(name);
    unit.reason = std::move(reason);
    --in_flight_;
    if (wakes && unit.changed) {
        unit.times_written = 0;
        make_ready(name, unit);
        return;
    }
    unit.place = Place::waiting;
    unit.changed = false;
    unit.due = when;
    unit.wakes = wakes;
    waiting_.emplace(when, name);
}

bool UnitQueue::hold(const std::string& name) {
    if (const auto found = units_.find(name); found != units_.end()) {
        const Unit& unit = found->second;
        if (unit.place == Place::in_flight) {
            return false;
        }
        leave_waiting(name, unit);
        ready_.erase(key_of(name, unit));
        bytes_ -= unit.identity.size;
        units_.erase(found);
    }
    held_.insert(name);
    return true;
}

std::uint32_t UnitQueue::count_failure(const std::string& name) {
    Unit& unit = units_.at(name);
    unit.failed = true;
    return ++unit.failures;
}

std::uint32_t UnitQueue::count_pass(const std::string& name) {
    Unit& unit = units_.at(name);
    unit.failed = true;
    return ++unit.passes;
}

void UnitQueue::forget_passes() {
    ready_.clear();
    for (auto& [name, unit] : units_) {
        if (unit.passes > 0 && !unit.forgiven) {
            unit.passes = 0;
            unit.forgiven = true;
        }
        if (unit.place == Place::ready) {
            ready_.insert(key_of(name, unit));
        }
    }
}

bool UnitQueue::was_passed_over(const std::string& name) const {
    const auto found = units_.find(name);
    return found != units_.end() && found->second.passes > 0;
}

std::optional<UnitQueue::Clock::time_point> UnitQueue::next_due() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

std::vector<UnitQueue::Left> UnitQueue::left() const {
    std::vector<Left> left;
    for (const auto& [name, unit] : units_) {
        left.push_back({name, unit.reason, unit.place == Place::in_flight});
    }
    return left;
}

std::optional<UnitQueue::Waiting> UnitQueue::first_waiting() const {
    if (waiting_.empty()) {
        return std::nullopt;
    }
    const auto failed = std::find_if(waiting_.begin(), waiting_.end(),
                                     [this](const auto& entry) { return units_.at(entry.second).failed; });
    const std::string& name = (failed == waiting_.end() ? waiting_.begin() : failed)->second;
    const Unit& unit = units_.at(name);
    return Waiting{name, unit.reason, unit.failed};
}

bool UnitQueue::retries_pending() const {
    for (const auto& [when, name] : waiting_) {
        if (!units_.at(name).wakes) {
            return true;
        }
    }
    return false;
}

}  // namespace mistamover::stream
