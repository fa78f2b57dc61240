// SPDX-License-Identifier: BSD-3-Clause
// Random histories of a file system: it fills and empties, units come, go and are under way, operators place,
// touch and remove `.stop` files, the monitor is killed at any moment and started again, sometimes with
// another name for the `.stop`. Whatever happens, the invariants hold that are checked below.

#include <algorithm>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <tuple>

#include "campaign.hpp"
#include "disk_space/disk_space_monitor.hpp"

namespace mistamover::test {

using namespace disk_space;

namespace {

constexpr Levels history_levels{600, 400, 200};
constexpr std::uint64_t whole_disk = 1'000;
constexpr std::int64_t base = 100;
constexpr int steps_of_history = 40;

int histories() {
    return test::is_full_campaign() ? 100'000 : 3'000;
}

struct FakeUnit {
    Unit unit;
    bool under_way = false;
};

// The file system, and what its invariants are checked with.
class FakeDisk final : public DiskSpaceMonitor::Disk {
  public:
    std::vector<process::MonitorStream> streams;
    std::map<std::string, StopSeen> stops;  ///< Those that are there, by path.
    std::map<std::size_t, std::vector<FakeUnit>> there;
    std::uint64_t others = 300;  ///< Bytes that are not units.
    std::string broken;          ///< The first invariant that did not hold.
    int deleted = 0;

    [[nodiscard]] std::uint64_t free() const {
        std::uint64_t used = others;
        for (const auto& [stream, units] : there) {
            for (const FakeUnit& one : units) {
                used += one.unit.gain.bytes;
            }
        }
        return used >= whole_disk ? 0 : whole_disk - used;
    }
    [[nodiscard]] bool may_delete(std::size_t stream) const {
        return streams[stream].deletion_enabled && streams[stream].priority <= base;
    }
    [[nodiscard]] bool anything_to_delete() const {
        for (const auto& [stream, units] : there) {
            for (const FakeUnit& one : units) {
                if (may_delete(stream) && !one.under_way) {
                    return true;
                }
            }
        }
        return false;
    }
    void check(bool holds, const char* invariant) {
        if (!holds && broken.empty()) {
            broken = invariant;
        }
    }

    Space space() override { return {free(), whole_disk, 0, 0}; }
    StopSeen look_for_stop(const std::string& path) override {
        const auto found = stops.find(path);
        return found == stops.end() ? StopSeen::absent : found->second;
    }
    bool place_stop(const std::string& path) override {
        for (const process::MonitorStream& stream : streams) {
            if (stream.stop_files.front() == path && stream.priority > base) {
                check(free() < enough_after_vlow(history_levels) && !anything_to_delete(),
                      "a stream above the base priority is stopped only where deletion is not enough");
            }
        }
        check(free() < history_levels.low + history_levels.low / 100, "nothing is stopped above LOW");
        return stops.emplace(path, StopSeen::own).second;
    }
    bool remove_stop(const std::string& path) override {
        check(look_for_stop(path) != StopSeen::foreign || is_obsolete(path),
              "an operator's .stop is not touched");
        if (look_for_stop(path) != StopSeen::own) {
            return false;
        }
        stops.erase(path);
        return true;
    }
    std::vector<std::string> obsolete_stops() override {
        std::vector<std::string> obsolete;
        for (const auto& [path, seen] : stops) {
            if (is_obsolete(path) && seen == StopSeen::own) {
                obsolete.push_back(path);
            }
        }
        return obsolete;
    }
    void look_anew() override {}
    std::optional<std::vector<const Unit*>> units(std::size_t stream,
                                                  const TimeLeft& /*time_left*/) override {
        std::vector<const Unit*> units;
        for (const FakeUnit& one : there[stream]) {
            units.push_back(&one.unit);
        }
        return units;
    }
    std::optional<Gain> gain_of_directory(std::size_t /*stream*/, const Unit& /*unit*/,
                                          const TimeLeft& /*time_left*/) override {
        return Gain{};
    }
    bool remove_unit(std::size_t stream, const Unit& unit, const std::function<void()>& about_to) override {
        std::vector<FakeUnit>& units = there[stream];
        const auto found = std::find_if(units.begin(), units.end(),
                                        [&](const FakeUnit& one) { return one.unit.name == unit.name; });
        if (found == units.end()) {
            return false;
        }
        check(may_delete(stream), "nothing is deleted above the base priority or without leave");
        check(!found->under_way, "nothing is deleted that is under way");
        check(free() < enough_after_vlow(history_levels), "nothing is deleted where enough is free");
        check(is_next(stream, unit), "nothing is deleted out of order");
        about_to();
        units.erase(found);
        ++deleted;
        return true;
    }
    [[nodiscard]] std::string path_of(std::size_t stream, const Unit& unit) const override {
        return streams[stream].name + '/' + unit.name;
    }

  private:
    [[nodiscard]] bool is_obsolete(const std::string& path) const {
        return std::none_of(streams.begin(), streams.end(), [&](const process::MonitorStream& stream) {
            return stream.stop_files.front() == path;
        });
    }
    [[nodiscard]] bool is_next(std::size_t stream, const Unit& unit) const {
        for (const auto& [other, units] : there) {
            for (const FakeUnit& one : units) {
                const bool earlier_stream = std::tie(streams[other].priority, streams[other].name) <
                                            std::tie(streams[stream].priority, streams[stream].name);
                if (may_delete(other) && !one.under_way &&
                    (earlier_stream || (other == stream && goes_first(one.unit, unit)))) {
                    return false;
                }
            }
        }
        return true;
    }
};

class History {
  public:
    explicit History(unsigned seed) : random_(seed), step_(below(2) == 0 ? 0 : 1) {
        const std::size_t count = below(4) + 1;
        for (std::size_t i = 0; i < count; ++i) {
            process::MonitorStream stream;
            stream.name = std::string(1, static_cast<char>('a' + i));
            stream.priority = 50 * (static_cast<std::int64_t>(below(4)) + 1);
            stream.deletion_enabled = below(3) > 0;
            stream.stop_files = {stream.name + "/.stop"};
            disk_.streams.push_back(stream);
        }
        start();
    }

    /// Which invariant was broken; empty: none.
    std::string run() {
        for (int step = 0; step < steps_of_history && disk_.broken.empty(); ++step) {
            happen();
            poll();
        }
        return disk_.broken;
    }
    [[nodiscard]] int deleted() const { return disk_.deleted; }
    [[nodiscard]] int placed() const { return placed_; }

  private:
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }

    void start() {
        monitor_ = std::make_unique<DiskSpaceMonitor>(
            DiskSpaceMonitor::Settings{history_levels, base, std::chrono::seconds{60}, step_}, disk_.streams,
            disk_, [this](LogLevel level, std::string_view text) {
                told_ += level == LogLevel::error && text.starts_with("deleted ") ? 1 : 0;
            });
    }

    void happen() {
        const std::size_t stream = below(disk_.streams.size());
        const std::string stop = disk_.streams[stream].stop_files.front();
        switch (below(10)) {
            case 0:
                disk_.others = below(whole_disk);
                break;
            case 1:
                disk_.others = disk_.others / 2 + below(300);
                break;
            case 2:
            case 3:
            case 4:
                add_unit(stream);
                break;
            case 5:
                disk_.there[stream].clear();
                break;
            case 6:
                disk_.stops[stop] = StopSeen::foreign;  // made, or the monitor's touched
                break;
            case 7:
                disk_.stops.erase(stop);
                break;
            case 8:
                start();
                break;
            default:
                disk_.streams[stream].stop_files = {disk_.streams[stream].name +
                                                    (below(2) == 0 ? "/.stop" : "/.halt")};
                start();
        }
    }

    void add_unit(std::size_t stream) {
        FakeUnit one;
        one.unit.name = std::to_string(++units_made_);
        one.unit.place = static_cast<UnitPlace>(below(3));
        one.unit.ctime_ns = static_cast<std::int64_t>(below(1'000));
        one.unit.gain = {below(150) + 1, 1};
        one.under_way = one.unit.place == UnitPlace::data && below(4) == 0;
        disk_.there[stream].push_back(one);
    }

    void poll() {
        const auto foreign_before = foreign();
        const auto own_before = own();
        now_ += std::chrono::seconds{60};
        do {
            monitor_->poll(now_);
            delete_what_must_go();
        } while (monitor_->has_more());
        disk_.check(foreign() == foreign_before, "no operator's .stop is removed or made");
        const bool good = monitor_->report().state == SpaceState::good;
        disk_.check(!good || own() == 0, "no .stop of the monitor's is left at GOOD");
        placed_ += own() > own_before ? 1 : 0;
        disk_.check(told_ == disk_.deleted, "every deletion is told");
    }

    // Often enough the monitor is killed in the middle of it.
    void delete_what_must_go() {
        for (;;) {
            const auto plan = monitor_->report().plan;
            const DiskSpaceMonitor::Batch batch = monitor_->next_deletions();
            if (batch.units.empty()) {
                return;
            }
            disk_.check(plan.size() >= batch.units.size() &&
                            plan.front().path == disk_.path_of(batch.stream, batch.units.front()),
                        "what is deleted is what was reported");
            const auto allowed = [&](const Unit& unit) {
                const auto& units = disk_.there[batch.stream];
                return std::none_of(units.begin(), units.end(), [&](const FakeUnit& one) {
                    return one.unit.name == unit.name && one.under_way;
                });
            };
            monitor_->carry_out(batch, allowed, [&] { return below(4) > 0; });
            if (below(20) == 0) {
                start();
                monitor_->poll(now_);
            }
        }
    }

    [[nodiscard]] std::vector<std::string> foreign() const {
        std::vector<std::string> paths;
        for (const auto& [path, seen] : disk_.stops) {
            if (seen == StopSeen::foreign) {
                paths.push_back(path);
            }
        }
        return paths;
    }
    [[nodiscard]] std::size_t own() const { return disk_.stops.size() - foreign().size(); }

    std::mt19937 random_;
    std::chrono::hours step_;  ///< None: a poll does one thing at a time.
    FakeDisk disk_;
    std::unique_ptr<DiskSpaceMonitor> monitor_;
    DiskSpaceMonitor::Clock::time_point now_{};
    int units_made_ = 0;
    int told_ = 0;
    int placed_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("campaign");

TEST_CASE("whatever happens, no invariant of stopping and deleting is broken") {
    int deleted = 0;
    int placed = 0;
    const int count = histories();
    for (int seed = 0; seed < count; ++seed) {
        History history(static_cast<unsigned>(seed));
        const std::string broken = history.run();
        REQUIRE_MESSAGE(broken.empty(), "history " << seed << ": " << broken);
        deleted += history.deleted();
        placed += history.placed();
    }
    // The histories are about something.
    CHECK(deleted > count / 2);
    CHECK(placed > count);
}

TEST_SUITE_END();

}  // namespace mistamover::test
