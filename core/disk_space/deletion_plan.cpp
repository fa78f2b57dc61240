// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/deletion_plan.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace mistamover::disk_space {

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
        std::vector<const Unit*> units = source.units(stream);
        const auto last = [](const Unit* a, const Unit* b) { return goes_first(*b, *a); };
        std::make_heap(units.begin(), units.end(), last);
        while (!units.empty()) {
            if (freed >= needed || plan.size() >= most) {
                return plan;
            }
            std::pop_heap(units.begin(), units.end(), last);
            Unit unit = *units.back();
            units.pop_back();
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
