// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/deletion_plan.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace mistamover::disk_space {

UnitsInOrder::UnitsInOrder(const std::vector<const Unit*>& units, const Space& space) {
    entries_.reserve(units.size());
    for (const Unit* unit : units) {
        if (unit->directory || worth(unit->gain, space) > 0) {
            entries_.push_back({unit->place == UnitPlace::arrivals, unit->ctime_ns, unit});
        }
    }
}

const Unit* UnitsInOrder::first() {
    if (next_ == entries_.size()) {
        return nullptr;
    }
    if (next_ == sorted_) {
        const auto at = [this](std::size_t i) { return entries_.begin() + static_cast<std::ptrdiff_t>(i); };
        const std::size_t end = std::min(entries_.size(), sorted_ + std::max<std::size_t>(sorted_, 64));
        std::partial_sort(at(sorted_), at(end), entries_.end());
        sorted_ = end;
    }
    return entries_[next_].unit;
}

bool UnitsInOrder::Entry::operator<(const Entry& other) const {
    if (arrival != other.arrival) {
        return arrival;
    }
    return ctime_ns == other.ctime_ns ? goes_first(*unit, *other.unit) : ctime_ns > other.ctime_ns;
}

bool goes_first(const Unit& a, const Unit& b) {
    const auto key = [](const Unit& unit) {
        return std::tuple(unit.place != UnitPlace::arrivals, -unit.ctime_ns, std::string_view(unit.name),
                          unit.place);
    };
    return key(a) < key(b);
}

std::vector<std::size_t> deletion_order(const std::vector<process::MonitorStream>& streams,
                                        std::int64_t base_priority) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams[i].deletion_enabled && streams[i].priority <= base_priority) {
            order.push_back(i);
        }
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::tie(streams[a].priority, streams[a].name) <
               std::tie(streams[b].priority, streams[b].name);
    });
    return order;
}

std::uint64_t worth(const Gain& gain, const Space& space) {
    if (!short_of_inodes(space)) {
        return gain.bytes;
    }
    return static_cast<std::uint64_t>(static_cast<double>(gain.inodes) /
                                      static_cast<double>(space.total_inodes) *
                                      static_cast<double>(space.total_bytes));
}

DeletionPlanner::DeletionPlanner(const std::vector<std::size_t>& order, UnitSource& source,
                                 const Space& space, Wanted wanted, PassedOver passed_over)
    : order_(order), source_(source), space_(space), wanted_(wanted), passed_over_(std::move(passed_over)) {}

bool DeletionPlanner::go_on(const TimeLeft& time_left) {
    for (; at_ < order_.size() && !is_enough(); ++at_) {
        const std::size_t stream = order_[at_];
        if (!units_) {
            const std::optional<std::vector<const Unit*>> found = source_.units(stream, time_left);
            if (!found) {
                return false;
            }
            units_.emplace(*found, space_);
        }
        while (const Unit* first = is_enough() ? nullptr : units_->first()) {
            if (!consider(stream, *first, time_left)) {
                return false;
            }
            units_->drop_first();
            if (!time_left()) {
                return false;
            }
        }
        units_.reset();
    }
    return true;
}

// False where the time was over before it was known what the unit would free.
bool DeletionPlanner::consider(std::size_t stream, Unit unit, const TimeLeft& time_left) {
    if (passed_over_(stream, unit)) {
        return true;
    }
    if (unit.directory) {
        const std::optional<Gain> gain = source_.gain_of_directory(stream, unit, time_left);
        if (!gain) {
            return false;
        }
        unit.gain = *gain;
    }
    if (const std::uint64_t gained = worth(unit.gain, space_); gained > 0) {
        freed_ += gained;
        plan_.push_back({stream, std::move(unit)});
    }
    return true;
}

}  // namespace mistamover::disk_space
