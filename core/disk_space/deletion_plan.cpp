// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/deletion_plan.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace mistamover::disk_space {

namespace {

// The units of one stream in their order, of which no more is worked out than is asked for: of many units few
// are ever looked at.
class InOrder {
  public:
    /// Leaves out what certainly frees nothing.
    InOrder(const std::vector<const Unit*>& units, const Space& space) {
        entries_.reserve(units.size());
        for (const Unit* unit : units) {
            if (unit->directory || worth(unit->gain, space) > 0) {
                entries_.push_back({unit->place == UnitPlace::arrivals, unit->ctime_ns, unit});
            }
        }
    }

    /// Null after the last.
    const Unit* next() {
        if (next_ == entries_.size()) {
            return nullptr;
        }
        if (next_ == sorted_) {
            const auto at = [this](std::size_t i) {
                return entries_.begin() + static_cast<std::ptrdiff_t>(i);
            };
            const std::size_t end = std::min(entries_.size(), sorted_ + std::max<std::size_t>(sorted_, 64));
            std::partial_sort(at(sorted_), at(end), entries_.end());
            sorted_ = end;
        }
        return entries_[next_++].unit;
    }

  private:
    // With what mostly decides beside the unit.
    struct Entry {
        bool arrival = false;
        std::int64_t ctime_ns = 0;
        const Unit* unit = nullptr;

        bool operator<(const Entry& other) const {
            if (arrival != other.arrival) {
                return arrival;
            }
            return ctime_ns == other.ctime_ns ? goes_first(*unit, *other.unit) : ctime_ns > other.ctime_ns;
        }
    };

    std::vector<Entry> entries_;
    std::size_t next_ = 0;
    std::size_t sorted_ = 0;
};

}  // namespace

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

std::vector<PlannedUnit> plan_deletions(
    const std::vector<std::size_t>& order, UnitSource& source, const Space& space, std::uint64_t needed,
    std::size_t most, const std::function<bool(std::size_t stream, const Unit& unit)>& passed_over) {
    std::vector<PlannedUnit> plan;
    std::uint64_t freed = 0;
    for (const std::size_t stream : order) {
        InOrder units(source.units(stream), space);
        while (const Unit* next = units.next()) {
            if (freed >= needed || plan.size() >= most) {
                return plan;
            }
            Unit unit = *next;
            if (passed_over(stream, unit)) {
                continue;
            }
            if (unit.directory) {
                const std::optional<Gain> gain = source.gain_of_directory(stream, unit);
                unit.gain = gain.value_or(Gain{});
            }
            if (const std::uint64_t gained = worth(unit.gain, space); gained > 0) {
                freed += gained;
                plan.push_back({stream, std::move(unit)});
            }
        }
    }
    return plan;
}

}  // namespace mistamover::disk_space
