// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/local_disk.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <set>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "disk_space/unit_removal.hpp"
#include "files/handshake_name.hpp"
#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;
namespace fs = std::filesystem;

namespace {

process::MonitorStream stream_in(const Scratch& scratch, const std::string& stop_file = ".stop") {
    process::MonitorStream stream;
    stream.name = "p";
    stream.data_dir = (scratch / "data").string();
    stream.data_control_extension = "ctrl";
    stream.quarantine_dir = (scratch / "data" / "quarantine").string();
    stream.quarantine_here = true;
    stream.stop_files = {(scratch / "data" / stop_file).string()};
    fs::create_directories(stream.quarantine_dir);
    return stream;
}

LocalDisk disk_with(const Scratch& scratch, const std::vector<process::MonitorStream>& streams) {
    return {"disk", scratch.path().string(), streams, scratch / "placed"};
}

std::vector<const Unit*> all_units(LocalDisk& disk) {
    return disk.units(0, [] { return true; }).value();
}

std::vector<std::string> names_below(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

// Whether the test has that directory open, or something in it.
bool is_open_below(const fs::path& directory) {
    const auto all = names_below("/proc/self/fd");
    return std::any_of(all.begin(), all.end(), [&](const std::string& fd) {
        std::error_code gone;
        const std::string open = fs::read_symlink("/proc/self/fd/" + fd, gone).string() + '/';
        return open.starts_with(directory.string() + '/');
    });
}

std::vector<std::string> recover(const LocalDisk& disk) {
    std::vector<std::string> told;
    disk.recover([&](LogLevel /*level*/, std::string_view text) { told.emplace_back(text); });
    return told;
}

bool told_of(const std::vector<std::string>& told, const std::string& beginning) {
    return std::any_of(told.begin(), told.end(),
                       [&](const std::string& text) { return text.starts_with(beginning); });
}

}  // namespace

TEST_CASE("what is kept for root alone is not free") {
    const Scratch scratch;
    constexpr std::uint64_t enough = 1'000'000'000;  // others write to the disk, and delete there, meanwhile
    struct statvfs info {};
    REQUIRE(::statvfs(scratch.path().c_str(), &info) == 0);
    const std::uint64_t kept = (info.f_bfree - info.f_bavail) * info.f_frsize;
    if (info.f_bavail == 0 || kept < enough) {
        MESSAGE("not tested: of this file system hardly anything is kept for root");
        return;
    }
    CHECK(disk_with(scratch, {}).space().free_bytes < info.f_bfree * info.f_frsize - kept / 2);
}

TEST_CASE("a .stop that was made is remembered until it has gone, under whatever name") {
    const Scratch scratch;
    const auto before = stream_in(scratch);
    {
        LocalDisk disk = disk_with(scratch, {before});
        CHECK(disk.place_stop(before.stop_files[0]));
        CHECK(disk.obsolete_stops().empty());
        CHECK(disk.look_for_stop(before.stop_files[0]) == StopSeen::own);
    }
    LocalDisk disk = disk_with(scratch, {stream_in(scratch, ".halt")});
    REQUIRE(disk.obsolete_stops() == before.stop_files);
    CHECK(disk.remove_stop(before.stop_files[0]));
    CHECK(disk.obsolete_stops().empty());
    CHECK(names_below(scratch / "placed").empty());
}

TEST_CASE("a .stop is obsolete on its own file system alone, which is told by the mounts, not by asking") {
    const Scratch scratch;
    const auto mounts = [&](const std::string& other_device, const std::string& type) {
        return "1 9 8:1 / / rw - ext4 x rw\n2 1 0:30 / " + scratch.path().string() +
               " rw - btrfs x rw\n3 1 " + other_device + " / /proc rw - " + type + " x rw\n4 2 0:9 / " +
               (scratch / "silent").string() + " rw - nfs4 x rw\n";
    };
    const std::string silent = (scratch / "silent" / ".stop").string();  // in fact, on the same
    const std::string subvolume = "/proc/.stop";                         // in fact, on another
    fs::create_directories(scratch / "silent");
    const PlacedStops placed(scratch / "placed");
    placed.add(silent);
    placed.add(subvolume);
    const auto obsolete = [&](const std::string& table) {
        return LocalDisk("disk", scratch.path().string(), {}, scratch / "placed", [=] { return table; })
            .obsolete_stops();
    };
    CHECK(obsolete(mounts("0:30", "btrfs")) == std::vector<std::string>{subvolume});
    CHECK(obsolete(mounts("0:31", "btrfs")).empty());
    CHECK(obsolete("").empty());
}

TEST_CASE("a .stop that has become an operator's is forgotten, and stays") {
    const Scratch scratch;
    const auto before = stream_in(scratch);
    LocalDisk(disk_with(scratch, {before})).place_stop(before.stop_files[0]);
    write_file(before.stop_files[0], "mine");
    LocalDisk disk = disk_with(scratch, {});
    REQUIRE(disk.obsolete_stops() == before.stop_files);
    CHECK_FALSE(disk.remove_stop(before.stop_files[0]));
    CHECK(disk.obsolete_stops().empty());
    CHECK(read_file(before.stop_files[0]) == "mine");
}

TEST_CASE("a .stop that cannot be remembered is made and removed all the same, and that is told once") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    const std::string& stop = stream.stop_files[0];
    const std::string other = (scratch / "data" / ".halt").string();
    write_file(scratch / "placed", "no directory");
    LocalDisk disk = disk_with(scratch, {stream});
    CHECK(disk.place_stop(stop));
    CHECK(disk.place_stop(other));
    CHECK(disk.look_for_stop(stop) == StopSeen::own);
    CHECK(disk.look_for_stop(other) == StopSeen::own);
    CHECK(disk.take_problems().size() == 1);
    CHECK(disk.remove_stop(stop));
    CHECK_FALSE(fs::exists(stop));
    CHECK(disk.take_problems().empty());
    fs::remove(scratch / "placed");
    CHECK(disk.place_stop(stop));
    CHECK(names_below(scratch / "placed").size() == 1);
    fs::remove_all(scratch / "placed");
    write_file(scratch / "placed", "no directory");
    CHECK(disk.remove_stop(other));
    CHECK(disk.take_problems().size() == 1);
}

TEST_CASE("a unit that gets into the handshake after the plan was made stays") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    const std::string longest(255, 'n');
    for (const char* path : {"data/unit", "data/tree/file", "data/quarantine/failed"}) {
        write_file(scratch / path, "12345");
    }
    write_file(scratch / "data" / longest, "12345");
    LocalDisk disk = disk_with(scratch, {stream});
    std::vector<Unit> units;
    for (const Unit* unit : all_units(disk)) {
        units.push_back(*unit);
    }
    REQUIRE(units.size() == 4);
    const auto nothing = [] {};
    for (const std::string& data_name : {std::string("unit"), std::string("tree.zip"), longest}) {
        write_file(scratch / "data" / files::handshake_name(data_name, ".ctrl"), "");
    }
    for (const Unit& unit : units) {
        CHECK(disk.remove_unit(0, unit, nothing) == (unit.name == "failed"));
    }
    CHECK(read_file(scratch / "data" / "unit") == "12345");
    CHECK(read_file(scratch / "data" / "tree" / "file") == "12345");
    CHECK(read_file(scratch / "data" / longest) == "12345");
    CHECK(all_units(disk).empty());
}

TEST_CASE(
    "what arrives goes before what has arrived, however old it is, but not what a control file tells of") {
    const Scratch scratch;
    auto stream = stream_in(scratch);
    stream.arrivals_dir = (scratch / "incoming").string();
    stream.arrivals_control_extension = "actl";
    const std::string content(8192, 'c');
    for (const char* path : {"incoming/older", "incoming/announced", "incoming/.announced.actl",
                             "incoming/.older.ctrl", "data/newer", "data/.newer.actl"}) {
        write_file(scratch / path, content);
    }
    LocalDisk disk = disk_with(scratch, {stream});
    const auto planned = [&] {
        constexpr DeletionPlanner::Wanted all{std::uint64_t{1} << 40, 10};
        const std::vector<std::size_t> order{0};
        DeletionPlanner planner(order, disk, {0, 1'000'000, 0, 0}, all,
                                [](std::size_t, const Unit&) { return false; });
        REQUIRE(planner.go_on([] { return true; }));
        std::vector<std::string> paths;
        for (const PlannedUnit& unit : planner.take_plan()) {
            paths.push_back(fs::relative(disk.path_of(unit.stream, unit.unit), scratch.path()).string());
        }
        return paths;
    };
    CHECK(planned() == std::vector<std::string>{"incoming/older", "data/newer"});
    fs::remove(scratch / "incoming" / ".announced.actl");
    const std::vector<std::string> later = planned();
    REQUIRE(later.size() == 3);
    CHECK(std::set<std::string>(later.begin(), later.begin() + 2) ==
          std::set<std::string>{"incoming/announced", "incoming/older"});
    const Unit* first = all_units(disk).front();
    CHECK(first->place == UnitPlace::arrivals);
    CHECK(disk.remove_unit(0, Unit(*first), [] {}));
    CHECK(planned().size() == 2);
}

TEST_CASE("a link that a deliverer has put in the place of the quarantine leads nowhere") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    write_file(scratch / "elsewhere" / "precious", "12345");
    fs::remove(stream.quarantine_dir);
    fs::create_directory_symlink(scratch / "elsewhere", stream.quarantine_dir);
    LocalDisk disk = disk_with(scratch, {stream});
    CHECK(all_units(disk).empty());
    Unit planned;
    planned.place = UnitPlace::quarantine;
    planned.name = "precious";
    CHECK_FALSE(disk.remove_unit(0, planned, [] {}));
}

TEST_CASE("what an earlier process had begun to delete is ended, and told by path and size") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    constexpr std::size_t size = 200'000;
    write_file(scratch / "data" / "tree" / "rest", std::string(size, 'r'));
    LocalDisk disk = disk_with(scratch, {stream});
    for (const Unit* unit : all_units(disk)) {
        fs::rename(scratch / "data" / unit->name, scratch / "data" / deleting_name(*unit));
    }
    write_file(scratch / "data" / ".mistamover-looking-1-newer", "12345");
    const std::vector<std::string> told = recover(disk);
    REQUIRE(told.size() == 2);
    CHECK(told_of(told, "deleted " + (scratch / "data" / "tree").string() + " (2"));  // 200 kB, and the tree
    CHECK(told_of(told, (scratch / "data" / "newer").string() + " has its name back"));
    CHECK(read_file(scratch / "data" / "newer") == "12345");
    CHECK(names_below(scratch / "data").size() == 2);
}

TEST_CASE("what an earlier process had only looked at is not deleted, nor is what it could not give back") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    write_file(scratch / "data" / "tree" / "file", "older");
    write_file(scratch / "data" / "unit", "12345");
    LocalDisk disk = disk_with(scratch, {stream});
    for (const Unit* unit : all_units(disk)) {
        fs::rename(scratch / "data" / unit->name, scratch / "data" / looking_name(*unit));
    }
    write_file(scratch / "data" / "tree", "newer");
    const std::vector<std::string> told = recover(disk);
    REQUIRE(told.size() == 2);
    CHECK(told_of(told, (scratch / "data" / "unit").string() + " has its name back"));
    CHECK(told_of(told, (scratch / "data" / ".mistamover-looking-").string()));
    CHECK(read_file(scratch / "data" / "unit") == "12345");
    CHECK(read_file(scratch / "data" / "tree") == "newer");
    CHECK(names_below(scratch / "data").size() == 4);  // with the older tree and the quarantine
}

TEST_CASE("a deletion is left where it is not to go on, and ended by the next process") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    write_file(scratch / "data" / "tree" / "file", "12345");
    LocalDisk disk = disk_with(scratch, {stream});
    bool go_on = true;  // at first
    disk.while_deleting([&] { return std::exchange(go_on, false); });
    REQUIRE(all_units(disk).size() == 1);
    const Unit tree = *all_units(disk).front();
    CHECK_THROWS(disk.remove_unit(0, tree, [] {}));
    CHECK_FALSE(told_of(recover(disk), "deleted "));
    CHECK(fs::exists(scratch / "data" / deleting_name(tree) / "file"));
    CHECK(told_of(recover(disk_with(scratch, {stream})), "deleted "));
    CHECK_FALSE(fs::exists(scratch / "data" / deleting_name(tree)));
}

TEST_CASE("what cannot be ended is told, and keeps nothing else from being ended") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    write_file(stream.stop_files[0], "an operator's\n");
    fs::create_directory(scratch / "data" / ".mistamover.stop-old");
    write_file(scratch / "data" / ".mistamover-deleting-1-newer", "12345");
    LocalDisk disk = disk_with(scratch, {stream});
    CHECK(recover(disk).size() == 2);
    CHECK(read_file(scratch / "data" / "newer") == "12345");
}

TEST_CASE("a rest that cannot be deleted keeps no other from going") {
    if (::geteuid() != 0) {
        MESSAGE("not run: only root may mount");
        return;
    }
    const Scratch scratch;
    LocalDisk disk = disk_with(scratch, {stream_in(scratch)});
    for (const std::string name : {"a", "b", "c"}) {
        write_file(scratch / "data" / name / "rest", "12345");
    }
    fs::path mounted;
    for (const Unit* unit : all_units(disk)) {
        const fs::path rest = scratch / "data" / deleting_name(*unit);
        fs::rename(scratch / "data" / unit->name, rest);
        if (unit->name == "b") {
            mounted = rest / "mounted";
        }
    }
    fs::create_directory(mounted);
    fs::create_directory(scratch / "outside");
    REQUIRE(::mount((scratch / "outside").c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr) == 0);
    CHECK(recover(disk).size() == 3);
    CHECK(names_below(scratch / "data").size() == 2);
    CHECK(::umount2(mounted.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a directory that cannot be read is told once, and keeps the units of others") {
    const Scratch scratch;
    auto stream = stream_in(scratch);
    stream.arrivals_dir = (scratch / "loop").string();
    fs::create_symlink(stream.arrivals_dir, stream.arrivals_dir);
    write_file(scratch / "data" / "unit", "12345");
    LocalDisk disk = disk_with(scratch, {stream});
    CHECK(all_units(disk).size() == 1);
    CHECK(disk.take_problems().size() == 1);
    CHECK(all_units(disk).size() == 1);
    CHECK(disk.take_problems().empty());
    fs::remove(stream.arrivals_dir);
    CHECK(all_units(disk).size() == 1);
    fs::create_symlink(stream.arrivals_dir, stream.arrivals_dir);
    CHECK(all_units(disk).size() == 1);
    CHECK(disk.take_problems().size() == 1);
}

TEST_CASE("the units of a stream are told when all are known, however often one of its directories changes") {
    const Scratch scratch;
    const auto stream = stream_in(scratch);
    constexpr std::size_t files = 100;
    for (std::size_t i = 0; i < files; ++i) {
        write_file(scratch / "data" / std::to_string(i), "");
        write_file(scratch / "data" / "quarantine" / std::to_string(i), "");
    }
    LocalDisk disk = disk_with(scratch, {stream});
    std::optional<std::vector<const Unit*>> units;
    int steps = 0;
    while (!(units = disk.units(0, [] { return false; })).has_value()) {
        write_file(scratch / "data" / ("more" + std::to_string(steps)), "");
        REQUIRE(++steps < 100);
    }
    CHECK(steps > 2);
    CHECK(steps < 12);  // each directory is listed once
    CHECK(units->size() >= 2 * files);
    CHECK_FALSE(disk.units(0, [] { return false; }).has_value());  // it has changed meanwhile
    disk.look_anew();
    CHECK(all_units(disk).size() == 2 * files + static_cast<std::size_t>(steps));
}

TEST_CASE("what a directory would free is found out step by step, and anew once its units are asked for") {
    const Scratch scratch;
    LocalDisk disk = disk_with(scratch, {stream_in(scratch)});
    constexpr std::uint64_t files = 100;
    constexpr std::uint64_t directories = 7;
    const fs::path path = scratch / "data" / "tree";
    for (std::uint64_t i = 0; i < files; ++i) {
        write_file(path / std::to_string(i % directories) / std::to_string(i), "12345");
    }
    REQUIRE(all_units(disk).size() == 1);
    const Unit tree = *all_units(disk).front();
    const auto step = [&] { return disk.gain_of_directory(0, tree, [] { return false; }); };
    std::optional<Gain> gain;
    int steps = 1;
    while (!(gain = step()).has_value()) {
        REQUIRE(++steps < 100);
    }
    CHECK(steps > 3);
    CHECK(gain->inodes == files + directories + 1);
    CHECK_FALSE(is_open_below(path));
    const std::vector<std::function<void()>> ends{[&] { (void)all_units(disk); }, [&] { disk.look_anew(); }};
    for (const auto& end : ends) {
        CHECK_FALSE(step().has_value());
        CHECK(is_open_below(path));
        end();
        CHECK_FALSE(is_open_below(path));
    }
    CHECK(disk.gain_of_directory(0, tree, [] { return true; })->inodes == gain->inodes);
}

TEST_CASE("a directory whose listing is given up for another stream's is not kept open") {
    const Scratch scratch;
    const auto first = stream_in(scratch);
    process::MonitorStream second;
    second.name = "q";
    second.data_dir = (scratch / "other").string();
    for (int i = 0; i < 100; ++i) {
        write_file(scratch / "data" / std::to_string(i), "");
    }
    LocalDisk disk = disk_with(scratch, {first, second});
    REQUIRE_FALSE(disk.units(0, [] { return false; }).has_value());
    CHECK(is_open_below(scratch / "data"));
    CHECK(disk.units(1, [] { return true; })->empty());
    CHECK_FALSE(is_open_below(scratch / "data"));
}

}  // namespace mistamover::test
