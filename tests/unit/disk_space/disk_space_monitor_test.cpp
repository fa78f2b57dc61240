// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/disk_space_monitor.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <system_error>
#include <utility>

namespace mistamover::test {

using namespace disk_space;

namespace {

// A disk in VLOW with one unit, which does with it what is wanted.
class VlowDisk final : public DiskSpaceMonitor::Disk {
  public:
    enum class Removal : std::uint8_t { refused, fails, done };
    Removal removal = Removal::refused;
    bool measurable = true;
    std::vector<std::string> problems;
    int placed = 0;
    Unit unit;

    VlowDisk() {
        unit.name = "unit";
        unit.gain = {50, 1};
    }
    Space space() override {
        fail_unless(measurable);
        return {150, 1'000, 0, 0};
    }
    void look_anew() override {}
    StopSeen look_for_stop(const std::string& /*path*/) override { return StopSeen::absent; }
    bool place_stop(const std::string& /*path*/) override {
        ++placed;
        return true;
    }
    bool remove_stop(const std::string& /*path*/) override { return false; }
    std::vector<std::string> obsolete_stops() override { return {}; }
    std::vector<const Unit*> units(std::size_t /*stream*/) override { return {&unit}; }
    std::optional<Gain> gain_of_directory(std::size_t /*stream*/, const Unit& /*unit*/) override {
        return std::nullopt;
    }
    std::vector<std::string> take_problems() override { return std::exchange(problems, {}); }
    bool remove_unit(std::size_t /*stream*/, const Unit& /*unit*/,
                     const std::function<void()>& /*about_to*/) override {
        fail_unless(removal != Removal::fails);
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

    VlowBench()
        : monitor({{600, 400, 200}, 100, std::chrono::seconds{60}}, streams(), disk,
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
        monitor.carry_out(batch, [](const Unit&) { return true; });
        CHECK(monitor.next_deletions().units.empty());
        return disk.placed - before;
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
    bench.disk.measurable = false;
    const int before = bench.disk.placed;
    CHECK_NOTHROW(bench.monitor.carry_out(batch, [](const Unit&) { return true; }));
    CHECK(bench.monitor.next_deletions().units.empty());
    CHECK(bench.disk.placed == before);
    CHECK_FALSE(bench.monitor.report().last_error.empty());
    bench.disk.measurable = true;
    bench.monitor.poll({});
    CHECK(bench.monitor.next_deletions().units.size() == 1);
}

TEST_CASE("what keeps units from being told is reported") {
    VlowBench bench;
    bench.disk.problems = {"cannot read"};
    bench.monitor.poll({});
    CHECK(bench.monitor.report().last_error == "cannot read");
}

}  // namespace mistamover::test
