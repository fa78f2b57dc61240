// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "faulty_site.hpp"
#include "small_disk.hpp"
#include "unzip.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

/// A stream whose directory cannot be listed as long as the disk fails.
struct UnlistableSite : Site {
    explicit UnlistableSite(const std::string& outgoing = "") {
        add_stream("p", outgoing);
        write_file(source() / "f", "content");
        write_file(failing, "list stream");
    }
    const fs::path failing = home() / "failing-disk";
    const std::vector<std::string> environment{"LD_PRELOAD=" MISTAMOVER_FAILING_DISK,
                                               "FAILING_DISK=" + failing.string(),
                                               "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"};
};

/// A stream whose oldest unit breaks every session that it is sent by.
struct BreakingUnitSite : FaultySite {
    explicit BreakingUnitSite(const std::string& retries) {
        add_faulty_stream("parallel_transfers: 1" + retries);
        set_faults("put bad fail connection_lost session\n");
        write_file(source() / "bad", "content of bad");
        fs::last_write_time(source() / "bad", fs::file_time_type::clock::now() - std::chrono::hours(1));
        for (const char* name : {"a", "b", "c"}) {
            write_file(source() / name, name);
        }
    }
    [[nodiscard]] bool is_gone(const char* name) const { return !fs::exists(source() / name); }
};

}  // namespace

TEST_SUITE_BEGIN("removal");

TEST_CASE("a directory with files of several names is delivered once, and is deleted whole") {
    Site site;
    site.add_stream("p", "directories: zip");
    for (const char* name : {"a", "c", "d", "e"}) {
        write_file(site.source() / "unit" / name, name);
    }
    fs::create_hard_link(site.source() / "unit/a", site.source() / "unit/b");
    fs::create_hard_link(site.source() / "unit/d", site.source() / "unit/z");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output, site.log("dtc_p"));
    CHECK(names_in(site.source()).empty());
    const Scratch extracted;
    REQUIRE(unzip(site.target() / "unit.zip", extracted.path()));
    const std::map<std::string, std::string> whole{{"unit/", ""},   {"unit/a", "a"}, {"unit/b", "a"},
                                                   {"unit/c", "c"}, {"unit/d", "d"}, {"unit/e", "e"},
                                                   {"unit/z", "d"}};
    CHECK(contents_below(extracted.path()) == whole);
    CHECK(site.log("dtc_p").find("changed") == std::string::npos);
}

TEST_CASE("what cannot be deleted of a delivered directory never takes the whole one's place") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p", "directories: zip");
    for (const char* name : {"a", "z"}) {
        write_file(site.source() / "unit" / name, name);
    }
    // In the midst of what is deleted one after the other.
    fs::create_directories(site.source() / "unit/mounted");
    const SmallDisk mounted(site.source() / "unit/mounted", 1);
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("left unit: it was delivered, but could not be deleted whole") !=
                      std::string::npos,
                  result.output);
    ::umount2((site.source() / "quarantine/unit/mounted").c_str(), MNT_DETACH);
    CHECK(names_in(site.source()) == std::set<std::string>{"quarantine"});
    const Scratch extracted;
    REQUIRE(unzip(site.target() / "unit.zip", extracted.path()));
    const std::map<std::string, std::string> whole{
        {"unit/", ""}, {"unit/a", "a"}, {"unit/mounted/", ""}, {"unit/z", "z"}};
    CHECK(contents_below(extracted.path()) == whole);
}

TEST_CASE("a full disk at the source is drained") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p");
    const SmallDisk disk(site.source(), 1);
    for (const char* name : {"a", "b", "c"}) {
        write_file(site.source() / name, name);
    }
    disk.take_all_inodes();
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output, site.log("dtc_p"));
    CHECK(names_in(site.source()).empty());
    CHECK(names_in(site.target()) == std::set<std::string>{"a", "b", "c"});
}

TEST_CASE("a directory is all that a full disk at the source has, and is delivered and deleted") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p", "directories: tree");
    const SmallDisk disk(site.source(), 1);
    write_file(site.source() / "d/e/f", "f");
    disk.take_all_inodes();
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output, site.log("dtc_p"));
    CHECK(names_in(site.source()).empty());
    CHECK(read_file(site.target() / "d/e/f") == "f");
}

TEST_CASE("a directory that cannot be listed is told as such, and looked at again") {
    UnlistableSite site;
    SUBCASE("one-off") {
        const ProgramResult result = RunningProgram({"run", site.config().string()}, site.environment).wait();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find("left " + site.source().string()) != std::string::npos,
                      result.output);
    }
    SUBCASE("daemon") {
        const Daemon daemon(site, site.environment);
        REQUIRE(
            eventually([&] { return site.log("dtc_p").find("Input/output error") != std::string::npos; }));
        fs::remove(site.failing);
        CHECK(eventually([&] { return fs::exists(site.target() / "f"); }));
    }
}

TEST_CASE(
    "a stream that cannot look at its handshakes when it starts is started when it can, and tells it once") {
    const UnlistableSite site("target_uses_arrival_monitor: true");
    const Daemon daemon(site, site.environment);
    REQUIRE(eventually([&] { return site.state_of("p") == "failed"; }));
    const pid_t process = daemon.process("mm:p");
    fs::remove(site.failing);
    CHECK(eventually([&] { return fs::exists(site.target() / "f"); }));
    CHECK(daemon.process("mm:p") == process);
    CHECK(eventually([&] {
        return site.log("dtc_p").find("nothing keeps it from starting any more") != std::string::npos;
    }));
    CHECK_MESSAGE(count_of("cannot start: ", site.log("dtc_p")) == 1, site.log("dtc_p"));
}

TEST_CASE(
    "what is left of a directory that was being deleted is named by the next pass, and holds nothing up") {
    Site site;
    site.add_stream("p");
    write_file(site.source() / ".mistamover/.deleted/d/rest", "rest");
    write_file(site.source() / "f", "f");
    SUBCASE("in the quarantine") {
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find("left d: quarantined: ") != std::string::npos, result.output);
        CHECK_MESSAGE(result.output.find(", 1 quarantined") != std::string::npos, result.output);
        CHECK(read_file(site.source() / "quarantine/d/rest") == "rest");
    }
    SUBCASE("where it was, since there can be no quarantine") {
        write_file(site.source() / "quarantine", "in the way");
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find("left d: ") != std::string::npos, result.output);
        CHECK(read_file(site.source() / ".mistamover/.deleted/d/rest") == "rest");
    }
    CHECK(read_file(site.target() / "f") == "f");
}

TEST_CASE("one-off ends although what it cannot deliver cannot be put away") {
    Site site;
    write_file(site.home() / "taken", "a file");
    site.add_stream("p", "retry_delay: 20ms, quarantine_dir: " + (site.home() / "taken/quarantine").string());
    write_file(site.source() / "good", "content");
    REQUIRE(::mkfifo((site.source() / "pipe").c_str(), 0600) == 0);
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("left pipe") != std::string::npos, result.output);
    CHECK(read_file(site.target() / "good") == "content");
    CHECK(fs::exists(site.source() / "pipe"));
}

TEST_CASE("a unit that breaks every session keeps no other waiting") {
    // The second: pauses that grow, from the general_poll_interval of 200 ms.
    for (const char* pauses : {", retry_delay: 20ms", ""}) {
        CAPTURE(pauses);
        const BreakingUnitSite site(pauses);
        const Daemon daemon(site);
        CHECK(eventually([&] { return site.is_gone("a") && site.is_gone("b") && site.is_gone("c"); }));
        CHECK_FALSE(site.is_gone("bad"));
        site.mend();
        CHECK(eventually([&] { return site.is_gone("bad"); }));
        CHECK(read_file(site.target() / "bad") == "content of bad");
    }
}

TEST_CASE("a unit that is only looked at here does not tell that the target can be used") {
    FaultySite site;
    site.add_faulty_stream("retry_delay: 20ms");
    site.set_faults("put * fail connection_lost session\n");
    write_file(site.source() / "f", "f");
    write_file(site.source() / "g", "g");
    const Daemon daemon(site);
    CHECK(eventually([&] { return site.uses() >= 4; }));
    std::ofstream written(site.source() / "written");
    written << "begun" << std::flush;
    const std::size_t uses = site.uses();
    CHECK(eventually([&] { return site.uses() >= uses + 6; }));
    CHECK(site.log("dtc_p").find("can be used again") == std::string::npos);
    written.close();
    site.mend();
    CHECK(eventually([&] { return read_file(site.target() / "written") == "begun"; }));
    CHECK(eventually([&] { return read_file(site.target() / "g") == "g"; }));
}

TEST_CASE("one-off sends the others before it leaves a unit that breaks every session") {
    for (const char* retries : {", retry_count: 1", ", retry_count: 3"}) {
        CAPTURE(retries);
        const BreakingUnitSite site(std::string(", retry_delay: 20ms") + retries);
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find("left bad: ") != std::string::npos, result.output);
        CHECK(names_in(site.source()) == std::set<std::string>{"bad"});
        CHECK(names_in(site.target()) == std::set<std::string>{"a", "b", "c"});
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
