// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <fstream>
#include <sys/stat.h>
#include <tuple>

#include "disk_site.hpp"
#include "faulty_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

// A unit of 1 MB that was created later than every one before it.
void write_unit(const fs::path& path) {
    static timespec last{};
    struct stat info {};
    do {
        write_file(path, std::string(mb, 'u'));
        REQUIRE(::stat(path.c_str(), &info) == 0);
    } while (std::tie(info.st_ctim.tv_sec, info.st_ctim.tv_nsec) <= std::tie(last.tv_sec, last.tv_nsec));
    last = info.st_ctim;
}

bool is_the_monitors(const fs::path& stop_file) {
    return read_file(stop_file).starts_with("disk_space_monitor disk ");
}

}  // namespace

TEST_SUITE_BEGIN("disk_space");

TEST_CASE("a stream is stopped where the disk is low, and goes on once there is room again") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    site.add("p");
    site.add("q");
    write_file(site.stop_file("q"), "maintenance until noon\n");
    const Daemon daemon(site);
    REQUIRE(site.reaches("GOOD"));
    REQUIRE(site.fill(25 * mb, "OKAY"));
    CHECK_FALSE(fs::exists(site.stop_file("p")));
    REQUIRE(site.fill(15 * mb, "LOW"));
    CHECK(is_the_monitors(site.stop_file("p")));
    // It holds arrivals back; what is there is still moved away.
    write_file(site.directory("p") / "unit", "data");
    CHECK(eventually([&] { return read_file(site.target("p") / "unit") == "data"; }));
    REQUIRE(site.fill(25 * mb, "OKAY"));
    CHECK(is_the_monitors(site.stop_file("p")));
    REQUIRE(site.fill(35 * mb, "GOOD"));
    CHECK_FALSE(fs::exists(site.stop_file("p")));
    CHECK(read_file(site.stop_file("q")) == "maintenance until noon\n");
    CHECK(eventually([&] { return count_of("may go on", site.disk_log()) == 1; }));
    CHECK(count_of("is stopped", site.disk_log()) == 1);
}

TEST_CASE("as a disk fills, the least important data gives way, in order, and nothing important is touched") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    const std::vector<std::tuple<std::string, std::string, std::string>> streams{{"a", "50", "true"},
                                                                                 {"b", "100", "true"},
                                                                                 {"c", "100", "false"},
                                                                                 {"d", "150", "true"},
                                                                                 {"e", "200", "true"}};
    for (const auto& [name, priority, deletion] : streams) {
        site.add(name, ", priority: " + priority + ", deletion_enabled: " + deletion);
        write_file(site.target(name) / ".stop", "nothing drains\n");
        for (const char* unit : {"u1", "u2", "u3"}) {
            write_unit(site.directory(name) / unit);
        }
    }
    const Daemon daemon(site);
    const auto has_deleted = [&](std::uint64_t units) {
        return eventually([&] {
            const auto json = site.status();
            return json && json->getValue<std::uint64_t>("deleted_units") == units &&
                   json->getValue<std::string>("state") != "VLOW";
        });
    };
    const auto plans = [&](const std::vector<std::string>& units) {
        return eventually([&] { return site.planned() == units; });
    };
    const std::vector<std::string> all{"a/u3", "a/u2", "a/u1", "b/u3", "b/u2", "b/u1"};
    REQUIRE(site.reaches("GOOD"));
    REQUIRE(site.fill(25 * mb, "OKAY"));
    CHECK(plans(all));
    REQUIRE(site.fill(15 * mb, "LOW"));
    site.disk().leave_free(9'500'000);
    REQUIRE(has_deleted(1));
    CHECK(plans({all.begin() + 1, all.end()}));
    site.disk().leave_free(6'500'000);
    REQUIRE(has_deleted(5));
    site.disk().leave_free(5 * mb);
    REQUIRE(eventually([&] { return fs::exists(site.stop_file("e")); }));
    CHECK(plans({}));
    CHECK(eventually([&] { return site.status()->getArray("stopped_streams")->size() == 5; }));
    REQUIRE(site.fill(15 * mb, "LOW"));
    REQUIRE(site.fill(25 * mb, "OKAY"));
    REQUIRE(site.fill(35 * mb, "GOOD"));

    const std::vector<std::string> expected{
        "GOOD",         "OKAY",         "LOW",  "stop a", "stop b",       "stop c",
        "VLOW",         "deleted a/u3", "LOW",  "VLOW",   "deleted a/u2", "deleted a/u1",
        "deleted b/u3", "deleted b/u2", "LOW",  "VLOW",   "deleted b/u1", "exhausted",
        "stop d",       "stop e",       "LOW",  "OKAY",   "go d",         "go e",
        "GOOD",         "go a",         "go b", "go c"};
    (void)eventually([&] { return site.events() == expected; });
    CHECK(site.events() == expected);
    for (const auto& [name, priority, deletion] : streams) {
        const bool keeps = name == "c" || name == "d" || name == "e";
        CHECK(names_in(site.directory(name)) ==
              (keeps ? std::set<std::string>{"u1", "u2", "u3"} : std::set<std::string>{}));
    }
}

TEST_CASE("a .stop that an operator has touched stays, whatever becomes of the monitor and of the name") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    site.add("p");
    Daemon daemon(site);
    REQUIRE(site.fill(15 * mb, "LOW"));
    REQUIRE(is_the_monitors(site.stop_file("p")));
    site.add("p", "", ", stop_file: .halt");
    const fs::path halt = site.directory("p") / ".halt";
    CHECK(eventually([&] { return is_the_monitors(halt) && !fs::exists(site.stop_file("p")); }));

    const std::string content = read_file(halt);
    fs::last_write_time(halt, fs::file_time_type::clock::now());
    write_file(site.directory("p") / "unit", "data");
    CHECK(eventually([&] { return site.state_of("p") == "suspended"; }));
    const pid_t monitor = daemon.process("mm:dsm_disk");
    REQUIRE(monitor > 0);
    Daemon::kill(monitor);
    REQUIRE(eventually([&] { return daemon.process("mm:dsm_disk") != 0; }));
    REQUIRE(site.fill(35 * mb, "GOOD"));
    CHECK(read_file(halt) == content);
    site.add("p");
    REQUIRE(site.fill(15 * mb, "LOW"));
    CHECK(eventually([&] { return is_the_monitors(site.stop_file("p")); }));
    REQUIRE(daemon.stop());
    CHECK(is_the_monitors(site.stop_file("p")));

    // Nobody is left to remove it where disk space is watched no more: so one comes for that alone.
    write_file(site.config(), "global: {top: " + site.home().string() + "}\n");
    const Daemon other(site);
    CHECK(eventually([&] { return !fs::exists(site.stop_file("p")); }));
    CHECK(read_file(halt) == content);
    CHECK(eventually([&] { return other.process("mm:dsm_disk") == 0; }));
}

TEST_CASE("a unit that is being sent is never deleted, nor is one that somebody has open") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    site.add("p", ", deletion_enabled: true", ", bandwidth_limit: 20kB, parallel_transfers: 1");
    write_unit(site.directory("p") / "sent");
    write_unit(site.directory("p") / "next");  // in hand together with it, but not open yet
    Daemon daemon(site);
    REQUIRE(site.reaches("GOOD"));
    REQUIRE(eventually([&] { return site.state_of("p") == "transferring"; }));
    write_unit(site.directory("p") / "open");
    write_unit(site.directory("p") / "waits");
    {
        const std::ifstream reader(site.directory("p") / "open");
        site.disk().leave_free(7 * mb);
        REQUIRE(eventually([&] { return site.status()->getValue<int>("deleted_units") == 1; }));
        CHECK_FALSE(fs::exists(site.directory("p") / "waits"));
        site.disk().leave_free(35 * mb);
    }
    site.add("p", ", deletion_enabled: true");
    for (const char* unit : {"sent", "next", "open"}) {
        CHECK(eventually([&] { return fs::exists(site.target("p") / unit); }));
        CHECK(fs::file_size(site.target("p") / unit) == mb);
    }
    CHECK_FALSE(fs::exists(site.target("p") / "waits"));
    CHECK(daemon.stop());
}

TEST_CASE("a file system that is mounted while the daemon runs gets a monitor, and loses it again") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    const fs::path late = site.home() / "late";
    write_file(site.home() / "streams.d" / "p.yaml",
               "data_stream: {directory: " + (late / "p").string() +
                   "}\noutgoing: {plugin: local, target_dir: " + site.target("p").string() + "}\n");
    fs::create_directories(late / "p");
    fs::create_directories(site.target("p"));
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    CHECK(site.status("late").isNull());
    {
        const SmallDisk disk(late, 64);
        CHECK(eventually([&] { return !site.status("late").isNull(); }));
        CHECK(eventually([&] { return daemon.process("mm:dsm_late") != 0; }));
    }
    CHECK(eventually([&] { return site.status("late").isNull() && daemon.process("mm:dsm_late") == 0; }));
}

TEST_CASE(
    "a disk that is full, log and all, stops neither the daemon nor its making room, and loses no record") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    const fs::path log = site.disk().path() / "log" / "dsm_disk.log";
    site.configure("", "logging: {base_log_dir: " + log.parent_path().string() + "}\n");
    site.add("p", ", deletion_enabled: true");
    write_file(site.target("p") / ".stop", "nothing drains\n");
    for (const char* unit : {"u1", "u2", "u3"}) {
        write_unit(site.directory("p") / unit);
    }
    Daemon daemon(site);
    REQUIRE(site.reaches("GOOD"));
    site.disk().leave_free(0);
    REQUIRE(eventually([&] { return site.status()->getValue<int>("deleted_units") == 3; }));
    site.disk().leave_free(0);
    Daemon::kill(daemon.process("mm:p"));
    Daemon::kill(daemon.process("mm:dsm_disk"));
    CHECK(eventually([&] { return daemon.whole(2); }));
    CHECK(site.reaches("VLOW"));
    REQUIRE(site.fill(35 * mb, "GOOD"));
    CHECK(eventually([&] {
        const std::string text = read_file(log);
        return count_of("] ERROR deleted ", text) == 3 && text.find("] INFO GOOD: 35") != std::string::npos;
    }));
    CHECK_FALSE(fs::exists(site.stop_file("p")));
    CHECK(eventually([&] {
        return count_of("ended with signal 9", read_file(log.parent_path() / "mistamover_ctl.log")) == 2;
    }));
    CHECK(daemon.stop());
}

TEST_SUITE_END();

}  // namespace mistamover::test
