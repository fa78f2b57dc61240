// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/disk_space_monitor.hpp"

#include <algorithm>
#include <cerrno>
#include <doctest/doctest.h>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace mistamover::test {

using namespace disk_space;
using std::chrono::seconds;

namespace {

// A disk in VLOW with some units, which does with them what is wanted.
class VlowDisk final : public DiskSpaceMonitor::Disk {
  public:
    enum class Removal : std::uint8_t { refused, fails, fails_late, done };
    Removal removal = Removal::refused;
    bool measurable = true;
    bool measurable_after_removal = true;
    bool gives_back = false;  ///< What is deleted is free at once.
    std::uint64_t free = 150;
    std::vector<std::string> problems;
    std::string fails_to_place;
    int placed = 0;
    int looked_anew = 0;
    int tried = 0;                 ///< Units.
    std::set<std::string> in_use;  ///< Those are refused, whatever becomes of the others.
    std::vector<Unit> there;

    VlowDisk() { add("unit"); }
    void add(const std::string& name) {
        Unit& unit = there.emplace_back();
        unit.name = name;
        unit.gain = {60, 1};
    }
    Space space() override {
        fail_unless(measurable);
        return {free, 1'000, 0, 0};
    }
    void look_anew() override { ++looked_anew; }
    StopSeen look_for_stop(const std::string& /*path*/) override { return StopSeen::absent; }
    bool place_stop(const std::string& path) override {
        fail_unless(path != fails_to_place);
        ++placed;
        return true;
    }
    bool remove_stop(const std::string& /*path*/) override { return false; }
    std::vector<std::string> obsolete_stops() override { return {}; }
    std::optional<std::vector<const Unit*>> units(std::size_t /*stream*/,
                                                  const TimeLeft& /*time_left*/) override {
        std::vector<const Unit*> units;
        for (const Unit& unit : there) {
            units.push_back(&unit);
        }
        return units;
    }
    std::optional<Gain> gain_of_directory(std::size_t /*stream*/, const Unit& /*unit*/,
                                          const TimeLeft& /*time_left*/) override {
        return Gain{};
    }
    std::vector<std::string> take_problems() override { return std::exchange(problems, {}); }
    bool remove_unit(std::size_t /*stream*/, const Unit& unit,
                     const std::function<void()>& about_to) override {
        ++tried;
        if (in_use.contains(unit.name)) {
            return false;
        }
        fail_unless(removal != Removal::fails);
        if (removal == Removal::fails_late) {
            about_to();
            fail_unless(false);
        }
        measurable = measurable_after_removal;
        if (removal == Removal::done) {
            free += gives_back ? unit.gain.bytes : 0;
            std::erase_if(there, [name = unit.name](const Unit& one) { return one.name == name; });
        }
        return removal == Removal::done;
    }
    [[nodiscard]] std::string path_of(std::size_t /*stream*/, const Unit& planned) const override {
        return planned.name;
    }

  private:
    static void fail_unless(bool works) {
        if (!works) {
            throw std::system_error(EIO, std::generic_category(), "disk");
        }
    }
};

// Streams below and above the base priority, of which the former may be deleted from.
struct VlowBench {
    VlowDisk disk;
    std::vector<std::string> told;
    DiskSpaceMonitor monitor;

    /// `step`: see Settings; none: a poll does one thing at a time.
    explicit VlowBench(std::chrono::hours step = std::chrono::hours{1})
        : monitor({{600, 400, 200}, 100, std::chrono::seconds{60}, step}, streams(), disk,
                  [this](LogLevel /*level*/, std::string_view text) { told.emplace_back(text); }) {}

    static std::vector<process::MonitorStream> streams() {
        std::vector<process::MonitorStream> two(2);
        two[0].name = "low";
        two[0].priority = 50;
        two[0].deletion_enabled = true;
        two[0].stop_files = {"low/.stop"};
        two[1].name = "high";
        two[1].priority = 200;
        two[1].stop_files = {"high/.stop"};
        return two;
    }
    /// Polls and tries to delete once; gives how many streams are stopped by what follows.
    int stopped_after_trying() {
        monitor.poll({});
        const int before = disk.placed;
        const DiskSpaceMonitor::Batch batch = monitor.next_deletions();
        REQUIRE(batch.units.size() == 1);
        carry_out(batch);
        CHECK(monitor.next_deletions().units.empty());
        return disk.placed - before;
    }
    void carry_out(const DiskSpaceMonitor::Batch& batch, bool time_left = true) {
        monitor.carry_out(
            batch, [](const Unit&) { return true; }, [time_left] { return time_left; });
    }
    /// Polls, and deletes what is to be deleted; gives how many units are then left.
    std::size_t left_after(std::chrono::seconds time) {
        monitor.poll(DiskSpaceMonitor::Clock::time_point{} + time);
        for (auto batch = monitor.next_deletions(); !batch.units.empty(); batch = monitor.next_deletions()) {
            carry_out(batch);
        }
        return disk.there.size();
    }
};

// The unit has very many before it, which are newer and so small that most of them make a batch.
struct ManyNewUnits : VlowBench {
    static constexpr int many = 200;

    ManyNewUnits() {
        disk.free = 50;
        for (int i = 0; i < many; ++i) {
            disk.add("new" + std::to_string(i));
            disk.there.back().ctime_ns = 1;
            disk.there.back().gain = {1, 1};
        }
    }
    /// Tries once for all units that are planned.
    void try_once(bool allowed, bool unanswered) {
        monitor.poll({});
        DiskSpaceMonitor::Batch batch = monitor.next_deletions();
        REQUIRE(batch.units.size() == 152);  // until 202 are free
        batch.unanswered = unanswered;
        monitor.carry_out(
            batch, [allowed](const Unit&) { return allowed; }, [] { return true; });
    }
    [[nodiscard]] bool goes_on() { return !monitor.next_deletions().units.empty(); }
};

struct SixUnits : VlowBench {
    explicit SixUnits(std::chrono::hours step = std::chrono::hours{1}) : VlowBench(step) {
        disk.removal = VlowDisk::Removal::done;
        for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
            disk.add(name);
        }
    }
};

}  // namespace

TEST_CASE("units in use are waited for, those that cannot be deleted are not") {
    VlowBench in_use;
    CHECK(in_use.stopped_after_trying() == 0);
    VlowBench broken;
    broken.disk.removal = VlowDisk::Removal::fails;
    CHECK(broken.stopped_after_trying() > 0);
}

TEST_CASE("where a look at the disk fails after deletions, the next poll goes on") {
    VlowBench bench;
    bench.disk.removal = VlowDisk::Removal::done;
    bench.monitor.poll({});
    const DiskSpaceMonitor::Batch batch = bench.monitor.next_deletions();
    REQUIRE(batch.units.size() == 1);
    bench.disk.add("another");
    bench.disk.measurable_after_removal = false;
    const int before = bench.disk.placed;
    CHECK_NOTHROW(bench.carry_out(batch));
    CHECK(bench.monitor.next_deletions().units.empty());
    CHECK(bench.disk.placed == before);
    CHECK_FALSE(bench.monitor.report().last_error.empty());
    bench.disk.measurable = true;
    bench.monitor.poll({});
    CHECK(bench.monitor.next_deletions().units.size() == 1);
}

TEST_CASE("what there is no time for is left for the next batch") {
    VlowBench bench;
    bench.disk.removal = VlowDisk::Removal::done;
    bench.disk.add("another");
    bench.disk.free = 50;
    bench.monitor.poll({});
    DiskSpaceMonitor::Batch batch = bench.monitor.next_deletions();
    REQUIRE(batch.units.size() == 2);
    bench.carry_out(batch, false);
    REQUIRE(bench.disk.there.size() == 1);
    batch = bench.monitor.next_deletions();
    REQUIRE(batch.units.size() == 1);
    CHECK(batch.units.front().name == bench.disk.there.front().name);
}

TEST_CASE("what was deleted counts as free for a while, where the file system takes its time") {
    SixUnits bench;
    CHECK(bench.left_after(seconds{0}) == 6);  // 150 + 60 are enough
    CHECK(bench.left_after(seconds{10}) == 6);
    bench.disk.free = 120;  // others have written meanwhile
    CHECK(bench.left_after(seconds{20}) == 5);
    bench.disk.free = 180;  // what was deleted first comes back
    CHECK(bench.left_after(seconds{29}) == 5);
    CHECK(bench.disk.placed == 1);  // of `low`, as it is LOW; nothing else is stopped
    bench.disk.free = 150;
    CHECK(bench.left_after(seconds{49}) == 5);
    CHECK(bench.left_after(seconds{50}) == 4);  // the other never came
}

TEST_CASE("where little is left and it gets less, nothing is waited for") {
    SixUnits bench;
    CHECK(bench.left_after(seconds{0}) == 6);
    bench.disk.free = 90;
    CHECK(bench.left_after(seconds{1}) == 4);
    CHECK(bench.left_after(seconds{2}) == 4);
}

TEST_CASE("where what is deleted is free at once, what others write meanwhile is made up for") {
    SixUnits bench;
    bench.disk.gives_back = true;
    CHECK(bench.left_after(seconds{0}) == 6);
    bench.disk.free = 150;
    CHECK(bench.left_after(seconds{1}) == 5);
    bench.disk.free = 150;
    CHECK(bench.left_after(seconds{2}) == 4);
}

TEST_CASE("what is no longer needed, when it comes to it, is not deleted") {
    SixUnits bench;
    bench.disk.free = 50;
    bench.monitor.poll({});
    const DiskSpaceMonitor::Batch batch = bench.monitor.next_deletions();
    REQUIRE(batch.units.size() == 3);
    bench.disk.free = 150;  // others have made room meanwhile
    bench.carry_out(batch);
    CHECK(bench.disk.there.size() == 6);
    SixUnits other;
    other.disk.free = 50;
    other.monitor.poll({});
    const DiskSpaceMonitor::Batch needless = other.monitor.next_deletions();
    other.disk.free = 300;
    other.carry_out(needless);
    CHECK(other.disk.there.size() == 7);
    CHECK(other.monitor.report().state == process::SpaceState::low);
}

TEST_CASE("nothing is deleted before the plan is whole and told, and then what it tells") {
    using namespace std::chrono_literals;
    SixUnits bench(std::chrono::hours{0});
    bench.disk.free = 50;
    int polls = 0;
    do {
        ++polls;
        bench.monitor.poll({});
        CHECK(bench.monitor.next_deletions().units.empty() == bench.monitor.has_more());
        CHECK(bench.monitor.pause() == (bench.monitor.has_more() ? 0ms : 1s));
    } while (bench.monitor.has_more());
    CHECK(polls > 3);
    CHECK(bench.disk.looked_anew == 1);  // they all went on with the first
    CHECK(bench.disk.placed == 1);       // of `low`: it is not as if nothing were left
    const auto plan = bench.monitor.report().plan;
    const DiskSpaceMonitor::Batch batch = bench.monitor.next_deletions();
    REQUIRE(plan.size() == 3);
    REQUIRE(batch.units.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(batch.units[i].name == plan[i].path);
    }
    bench.carry_out(batch, false);
    CHECK(bench.monitor.report().plan.size() == 2);  // without the one that has gone
}

TEST_CASE("a plan that was begun before it came to deletions is begun again for them") {
    using namespace std::chrono_literals;
    SixUnits bench(std::chrono::hours{0});
    bench.disk.free = 300;
    bench.monitor.poll({});
    REQUIRE(bench.monitor.has_more());
    CHECK(bench.monitor.pause() == 100ms);
    CHECK(bench.disk.looked_anew == 0);
    bench.disk.free = 150;
    bench.monitor.poll({});
    CHECK(bench.disk.looked_anew == 1);
}

TEST_CASE("what a round has refused is not asked for again before the next, however many polls it takes") {
    SixUnits bench(std::chrono::hours{0});
    bench.disk.removal = VlowDisk::Removal::refused;
    std::set<std::string> asked;
    int polls = 0;
    do {
        bench.monitor.poll({});
        const DiskSpaceMonitor::Batch batch = bench.monitor.next_deletions();
        for (const Unit& unit : batch.units) {
            CHECK(asked.insert(unit.name).second);
        }
        if (!batch.units.empty()) {
            bench.carry_out(batch);
        }
        REQUIRE(++polls < 100);
    } while (bench.monitor.has_more());
    CHECK(asked.size() == 7);
    CHECK(bench.disk.looked_anew == 1);
}

TEST_CASE("where there are many .stop files to make, each poll makes some, whatever fails of the others") {
    VlowDisk disk;
    std::vector<process::MonitorStream> many(5);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i].name = std::to_string(i);
        many[i].stop_files = {many[i].name + "/.stop"};
    }
    disk.free = 300;
    disk.fails_to_place = "0/.stop";
    DiskSpaceMonitor monitor({{600, 400, 200}, 100, std::chrono::seconds{60}, std::chrono::milliseconds{0}},
                             many, disk, [](LogLevel, std::string_view) {});
    int polls = 0;
    do {
        const int before = disk.placed;
        monitor.poll({});
        CHECK(disk.placed <= before + 1);
        REQUIRE(++polls < 100);
    } while (monitor.has_more());
    CHECK(disk.placed == 4);
    disk.fails_to_place.clear();
    monitor.poll({});
    CHECK(disk.placed == 5);
}

TEST_CASE("stops that were put off are placed while units are deleted, without a poll") {
    VlowDisk disk;
    disk.removal = VlowDisk::Removal::done;
    std::vector<process::MonitorStream> many(50);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i].name = std::to_string(i);
        many[i].stop_files = {many[i].name + "/.stop"};
    }
    many[0].deletion_enabled = true;
    DiskSpaceMonitor monitor({{600, 400, 200}, 100, std::chrono::seconds{60}, std::chrono::milliseconds{0}},
                             many, disk, [](LogLevel, std::string_view) {});
    DiskSpaceMonitor::Batch batch;
    for (int polls = 0; (batch = monitor.next_deletions()).units.empty(); ++polls) {
        REQUIRE(polls < 40);
        monitor.poll({});
    }
    const int before = disk.placed;
    monitor.carry_out(
        batch, [](const Unit&) { return true; }, [] { return true; });
    CHECK(disk.placed == before + 1);
}

TEST_CASE(
    "where nothing is left to delete, each poll stops some streams, in no hurry, whatever fails of others") {
    VlowDisk disk;
    std::vector<process::MonitorStream> many(4);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i].name = std::to_string(i);
        many[i].priority = 200;
        many[i].stop_files = {many[i].name + "/.stop"};
    }
    disk.fails_to_place = "0/.stop";
    DiskSpaceMonitor monitor({{600, 400, 200}, 100, std::chrono::seconds{60}, std::chrono::milliseconds{0}},
                             many, disk, [](LogLevel, std::string_view) {});
    for (const int placed : {0, 1, 2, 3}) {
        monitor.poll({});
        CHECK(monitor.next_deletions().units.empty());
        CHECK(disk.placed == placed);
        CHECK(monitor.pause() == std::chrono::seconds{1});
    }
}

TEST_CASE("however many units are new or in use, those behind them are deleted before another stream's") {
    ManyNewUnits bench;
    bench.disk.removal = VlowDisk::Removal::done;
    bench.disk.gives_back = true;
    for (const Unit& unit : bench.disk.there) {
        if (unit.name != "unit") {
            bench.disk.in_use.insert(unit.name);
        }
    }
    bench.disk.add("another");
    bench.disk.add("third");
    CHECK(bench.left_after(seconds{0}) == ManyNewUnits::many);  // 50 + 3 * 60 are free
    CHECK(bench.disk.tried == ManyNewUnits::many + 3);
    CHECK(bench.monitor.report().state == process::SpaceState::low);
    CHECK(bench.disk.placed == 1);  // of `low`: it is not as if nothing were left
}

TEST_CASE("where very many units are under way, those behind them are tried all the same") {
    ManyNewUnits bench;
    bench.try_once(false, false);
    CHECK(bench.goes_on());
}

TEST_CASE("where very many units fail, or nobody answers for them, the rest of the stream is passed over") {
    ManyNewUnits broken;
    broken.disk.removal = VlowDisk::Removal::fails;
    broken.try_once(true, false);
    CHECK(broken.disk.tried == 152);
    CHECK_FALSE(broken.goes_on());
    ManyNewUnits unanswered;
    unanswered.try_once(false, true);
    CHECK(unanswered.disk.tried == 0);
    CHECK_FALSE(unanswered.goes_on());
}

TEST_CASE("what was told of as deleted, and was not, is told, and left alone for a while") {
    VlowBench bench;
    bench.disk.removal = VlowDisk::Removal::fails_late;
    const auto times_told = [&](const std::string& beginning) {
        return std::count_if(bench.told.begin(), bench.told.end(),
                             [&](const std::string& text) { return text.starts_with(beginning); });
    };
    for (const int time : {0, 1, 2, 599}) {
        CHECK(bench.left_after(seconds{time}) == 1);
        CHECK(bench.disk.tried == 1);
    }
    CHECK(times_told("deleted unit ") == 1);
    CHECK(times_told("unit was not deleted: disk: ") == 1);
    CHECK(bench.monitor.report().last_error.starts_with("unit was not deleted: "));
    CHECK(bench.monitor.report().deleted_units == 0);
    CHECK(bench.left_after(seconds{600}) == 1);
    CHECK(bench.disk.tried == 2);
    CHECK(times_told("unit was not deleted: disk: ") == 2);
    // Another one of its name is another.
    bench.disk.there.front().inode = 7;
    bench.disk.removal = VlowDisk::Removal::done;
    CHECK(bench.left_after(seconds{601}) == 0);
}

TEST_CASE("what keeps units from being told is reported") {
    VlowBench bench;
    bench.disk.problems = {"cannot read"};
    bench.monitor.poll({});
    CHECK(bench.monitor.report().last_error == "cannot read");
}

}  // namespace mistamover::test
