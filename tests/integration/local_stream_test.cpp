// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <ctime>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <set>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "faulty_site.hpp"
#include "program.hpp"

namespace mistamover::test {
namespace {

// Both ways of the module: renaming, and copying to another file system.
const std::filesystem::path target_parents[] = {std::filesystem::temp_directory_path(), "/dev/shm"};

// How often its first thread has gone to sleep.
long sleeps_of(pid_t process) {
    const std::string status = read_file("/proc/" + std::to_string(process) + "/status");
    const std::string key = "\nvoluntary_ctxt_switches:";
    const std::size_t found = status.find(key);
    return found == std::string::npos ? -1 : std::stol(status.substr(found + key.size()));
}

}  // namespace

TEST_SUITE_BEGIN("local_stream");

TEST_CASE("one-off delivers files of every name, links and trees, and leaves nothing behind") {
    for (const std::filesystem::path& parent : target_parents) {
        Site site(parent);
        site.add_stream("p");
        const std::set<std::string> names{
            "plain",         "with space", "quote'\"",           "*?[glob]",
            "-leading dash", "new\nline",  "\xff\xfe not UTF-8", std::string(255, 'n'),
            "back\\slash"};
        for (const std::string& name : names) {
            write_file(site.source() / name, "content of " + name);
        }
        write_file(site.source() / "tree/a/b", "deep");
        std::filesystem::create_directories(site.source() / "tree/empty");
        std::filesystem::create_symlink("nowhere", site.source() / "link");
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output);
        std::set<std::string> expected = names;
        expected.insert({"tree", "link"});
        CHECK(names_in(site.target()) == expected);
        for (const std::string& name : names) {
            CHECK(read_file(site.target() / name) == "content of " + name);
        }
        CHECK(read_file(site.target() / "tree/a/b") == "deep");
        CHECK(std::filesystem::is_directory(site.target() / "tree/empty"));
        CHECK(std::filesystem::read_symlink(site.target() / "link") == "nowhere");
        CHECK(names_in(site.source()).empty());
    }
}

TEST_CASE("a unit that cannot be delivered goes to the quarantine, beside earlier ones of its name") {
    Site site("/dev/shm");
    site.add_stream("p", "retry_count: 2, retry_delay: 20ms");
    write_file(site.target() / "f/in the way", "a directory of the file's name");
    write_file(site.source() / "quarantine/f", "earlier");
    write_file(site.source() / "f", "later");
    write_file(site.source() / "g", "good");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 1, result.output);
    CHECK(result.output.find("p: left f: quarantined") != std::string::npos);
    CHECK(read_file(site.source() / "quarantine/f") == "earlier");
    CHECK(read_file(site.source() / "quarantine/f.~1~") == "later");
    CHECK(read_file(site.target() / "g") == "good");
    CHECK(read_file(site.target() / "f/in the way") == "a directory of the file's name");
    CHECK(site.log("dtc_p").find("try 1 of 2") != std::string::npos);
}

TEST_CASE("a stop file in the stream's directory or in the target's suspends the stream") {
    Site site("/dev/shm");
    site.add_stream("p");
    write_file(site.source() / "f", "x");
    for (const std::filesystem::path& directory : {site.source(), site.target()}) {
        write_file(directory / ".stop", "");
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find(".stop") != std::string::npos, result.output);
        CHECK(std::filesystem::exists(site.source() / "f"));
        CHECK_FALSE(std::filesystem::exists(site.target() / "f"));
        CHECK(std::filesystem::exists(directory / ".stop"));
        std::filesystem::remove(directory / ".stop");
    }
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a stop file in the target directory is looked for again, and sending goes on once it has gone") {
    Site site;
    site.add_stream("p", "stop_file_poll_interval: 100ms");
    write_file(site.target() / ".stop", "");
    write_file(site.source() / "f", "x");
    const Daemon daemon(site);
    constexpr std::size_t some_looks = 3;
    REQUIRE(eventually([&] {
        return count_of("suspended: the target directory has a .stop file", site.log("dtc_p")) >= some_looks;
    }));
    CHECK(eventually([&] { return site.state_of("p") == "suspended"; }));
    CHECK(std::filesystem::exists(site.source() / "f"));
    std::filesystem::remove(site.target() / ".stop");
    CHECK(eventually([&] { return read_file(site.target() / "f") == "x"; }));
    CHECK(eventually([&] { return site.state_of("p") == "idle"; }));
}

TEST_CASE("a stop file of the disk space monitor holds a move back only where that is asked for") {
    for (const bool is_asked_for : {false, true}) {
        CAPTURE(is_asked_for);
        Site site;
        site.add_stream_with("p", "plugin: local, target_dir: " + site.target().string(),
                             is_asked_for ? "disk_space_monitor: {stop_outgoing: true}\n" : "");
        write_file(site.source() / "f", "x");
        // The monitor's own is known by the time that it tells.
        write_file(site.source() / ".stop", "disk_space_monitor disk 1700000000\n");
        const std::array<timespec, 2> told{{{0, UTIME_OMIT}, {1'700'000'000, 0}}};
        REQUIRE(::utimensat(AT_FDCWD, (site.source() / ".stop").c_str(), told.data(), 0) == 0);
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == (is_asked_for ? 1 : 0), result.output);
        CHECK(std::filesystem::exists(site.source() / "f") == is_asked_for);
        CHECK(std::filesystem::exists(site.target() / "f") != is_asked_for);
        CHECK(std::filesystem::exists(site.source() / ".stop"));
    }
}

TEST_CASE("a file that a writer has open is never sent early, whatever its modification time says") {
    for (const std::filesystem::path& parent : target_parents) {
        Site site(parent);
        site.add_stream("p");
        const int fd = ::open((site.source() / "slow").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        REQUIRE(fd >= 0);
        const Daemon daemon(site);
        for (int i = 0; i < 5; ++i) {
            REQUIRE(::write(fd, "part\n", 5) == 5);
            const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
            REQUIRE(::futimens(fd, long_ago) == 0);
            // Another unit that comes and goes shows that the stream has looked at everything meanwhile.
            const std::string other = "other" + std::to_string(i);
            write_file(site.source() / other, "x");
            REQUIRE(eventually([&] { return std::filesystem::exists(site.target() / other); }));
            CHECK_FALSE(std::filesystem::exists(site.target() / "slow"));
        }
        ::close(fd);
        CHECK(eventually([&] { return !std::filesystem::exists(site.source() / "slow"); }));
        CHECK(read_file(site.target() / "slow") == "part\npart\npart\npart\npart\n");
    }
}

TEST_CASE("one-off names a file that is being written and exits 1") {
    Site site;
    site.add_stream("p");
    const int fd = ::open((site.source() / "open").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    const ProgramResult result = site.one_off();
    ::close(fd);
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("p: left open: it is still being written") != std::string::npos,
                  result.output);
    CHECK(std::filesystem::exists(site.source() / "open"));
}

TEST_CASE("a target that is not there keeps the files and is used once it is there") {
    Site site;
    site.add_stream("p");
    std::filesystem::remove(site.target());
    write_file(site.source() / "f", "x");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.log("dtc_p").find("does not exist") != std::string::npos; }));
    CHECK(std::filesystem::exists(site.source() / "f"));
    std::filesystem::create_directory(site.target());
    CHECK(eventually([&] { return read_file(site.target() / "f") == "x"; }));
    CHECK(site.log("dtc_p").find("quarantine") == std::string::npos);
}

TEST_CASE("a stream that waits for a long transfer, after another session was lost, is asleep") {
    FaultySite site;
    write_file(site.config(), "global: {top: " + site.home().string() + ", shutdown_grace: 1s}\n");
    site.add_faulty_stream("parallel_transfers: 2, retry_count: 1000, retry_delay: 20ms");
    site.set_faults(
        "put long hang\nput denied fail permission item\nput lost fail connection_lost session\n");
    const auto was_put = [&](const std::string& name) {
        return read_file(site.target() / ".fault-uses").find("put " + name + ' ') != std::string::npos;
    };
    const Daemon daemon(site);
    for (const char* name : {"long", "denied", "lost"}) {
        write_file(site.source() / name, "content");
        REQUIRE(eventually([&] { return was_put(name); }));
    }
    // The time of "denied" has come long before that of a look like this is over.
    constexpr long most_sleeps = 40;
    const pid_t process = daemon.process("mm:p");
    CHECK(eventually([&] {
        const long before = sleeps_of(process);
        std::this_thread::sleep_for(std::chrono::seconds(1));
        const long after = sleeps_of(process);
        return before > 0 && after >= before && after - before < most_sleeps;
    }));
    CHECK(std::filesystem::exists(site.source() / "long"));
}

TEST_CASE("a directory that exists at the target is added to, and nothing in it is lost") {
    Site site("/dev/shm");
    site.add_stream("p");
    write_file(site.target() / "d/old", "old");
    write_file(site.source() / "d/new", "new");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "d/old") == "old");
    CHECK(read_file(site.target() / "d/new") == "new");
    CHECK_FALSE(std::filesystem::exists(site.source() / "d"));
}

TEST_CASE("a directory that changes while it is sent is not published, and is sent again") {
    // One that had its turn, and one that came.
    for (const std::string changed : {"d/a", "d/c"}) {
        CAPTURE(changed);
        FaultySite site;
        site.add_faulty_stream("directories: tree, retry_count: 1, retry_delay: 20ms");
        site.set_faults("first put d/b change " + changed + "\nput d/b fail permission item\n");
        write_file(site.source() / "d/a", "a");
        write_file(site.source() / "d/b", "b");
        CHECK(site.one_off().exit_code == 1);
        CHECK(names_in(site.target()).empty());
        CHECK(read_file(site.source() / "quarantine" / changed).ends_with(", appended"));
        CHECK(site.log("dtc_p").find("d changed while it was being sent") != std::string::npos);
        CHECK(site.uses() == 2);
        site.mend();
        std::filesystem::rename(site.source() / "quarantine/d", site.source() / "d");
        CHECK(site.one_off().exit_code == 0);
        CHECK(read_file(site.target() / changed).ends_with(", appended"));
    }
}

TEST_CASE("a target that takes no temporary directory, or fails in a tree, is not the directory's fault") {
    for (const char* faults : {"once make * fail permission item\n",
                               "put d/a fail permission item\nonce put d/b fail connection_lost session\n"}) {
        CAPTURE(faults);
        FaultySite site;
        site.add_faulty_stream("directories: tree, retry_count: 1, retry_delay: 20ms");
        site.set_faults(faults);
        write_file(site.source() / "d/a", "a");
        write_file(site.source() / "d/b", "b");
        const Daemon daemon(site);
        CHECK(eventually([&] { return read_file(site.target() / "d/b") == "b"; }));
        CHECK(names_in(site.source() / "quarantine").empty());
    }
}

TEST_CASE("a crash between setting a delivered file aside and deleting it loses nothing") {
    Site site("/dev/shm");
    site.add_stream("p");
    write_file(site.source() / ".mistamover/f", "set aside");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "f") == "set aside");
    CHECK(names_in(site.source()).empty());
}

TEST_CASE("what is excluded stays") {
    Site site;
    site.add_stream("p", "exclude: ['*.tmp']");
    write_file(site.source() / "a.tmp", "x");
    write_file(site.source() / ".hidden", "x");
    write_file(site.source() / "a.dat", "x");
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == std::set<std::string>{"a.dat"});
    CHECK(names_in(site.source()) == std::set<std::string>{".hidden", "a.tmp"});
}

TEST_CASE("the stream is complete once the completion file was delivered and the directory is empty") {
    Site site;
    site.add_stream("p");
    write_file(site.home() / "streams.d/p.yaml",
               "data_stream: {directory: " + site.source().string() +
                   ", completion_file: END}\noutgoing: {plugin: local, target_dir: " +
                   site.target().string() + "}\n");
    const int fd = ::open((site.source() / "slow").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(fd >= 0);
    const Daemon daemon(site);
    write_file(site.source() / "END", "x");
    REQUIRE(eventually([&] { return site.log("dtc_p").find("delivered END ") != std::string::npos; }));
    // Not while there is something left.
    REQUIRE(eventually([&] { return site.state_of("p") == "waiting"; }));
    CHECK(site.log("dtc_p").find("complete:") == std::string::npos);
    ::close(fd);
    REQUIRE(eventually([&] { return site.log("dtc_p").find("complete:") != std::string::npos; }));
    CHECK(std::filesystem::exists(site.target() / "slow"));
    CHECK(eventually([&] {
        return run_program({"status", site.config().string()}).output.find("complete") != std::string::npos;
    }));
}

TEST_SUITE_END();

}  // namespace mistamover::test
