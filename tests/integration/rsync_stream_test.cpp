// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <sched.h>
#include <set>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <string>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "faulty_site.hpp"
#include "rsync_ways.hpp"

namespace mistamover::test {
namespace {

const std::set<std::string>& nasty_names() {
    static const std::set<std::string> names{"plain",
                                             "with space",
                                             " blank at both ends ",
                                             "quote'\"",
                                             "*?[glob]",
                                             "-leading",
                                             "--delete",
                                             "new\nline",
                                             "\xff\xfe bytes",
                                             std::string(255, 'n'),
                                             "back\\slash",
                                             "\\#012",
                                             "#hash",
                                             ";semicolon",
                                             "a -> b",
                                             "$(touch x)",
                                             "tab\there",
                                             "colon:colon",
                                             "\001\033[31mred",
                                             "~"};
    return names;
}

/// A file system of 1 MB, in a mount namespace into which the test program and all that it starts move.
class SmallFileSystem {
  public:
    explicit SmallFileSystem(std::filesystem::path at) : at_(std::move(at)) {
        mounted_ = ::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=1m") == 0;
    }
    ~SmallFileSystem() {
        if (mounted_) {
            ::umount2(at_.c_str(), MNT_DETACH);
        }
    }
    SmallFileSystem(const SmallFileSystem&) = delete;
    SmallFileSystem& operator=(const SmallFileSystem&) = delete;

    [[nodiscard]] bool is_mounted() const noexcept { return mounted_; }
    void grow() const { REQUIRE(::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, "size=10m") == 0); }

  private:
    std::filesystem::path at_;
    bool mounted_ = false;
};

void check_delivery_of_everything(Site& site, const Way& way, bool trees) {
    way.add_stream(site);
    for (const std::string& name : nasty_names()) {
        write_file(site.source() / name, "content of " + name);
    }
    write_file(site.source() / "tree/a/b", "deep");
    write_file(site.source() / "tree/#c", "comment");
    std::filesystem::create_directories(site.source() / "tree/empty");
    std::filesystem::create_symlink("nowhere", site.source() / "link");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p") << site.log("dtc_p"));
    std::set<std::string> expected = nasty_names();
    expected.insert({trees ? "tree" : "tree.zip", "link"});
    CHECK(names_in(site.target()) == expected);
    for (const std::string& name : nasty_names()) {
        CHECK_MESSAGE(read_file(site.target() / name) == "content of " + name, name);
    }
    CHECK(std::filesystem::read_symlink(site.target() / "link") == "nowhere");
    if (trees) {
        CHECK(read_file(site.target() / "tree/a/b") == "deep");
        CHECK(read_file(site.target() / "tree/#c") == "comment");
        CHECK(std::filesystem::is_directory(site.target() / "tree/empty"));
    }
    CHECK(names_in(site.source()).empty());
}

}  // namespace

TEST_SUITE_BEGIN("rsync_stream");

TEST_CASE("files of every name, links and directories arrive over ssh, and nothing is left behind") {
    Site site;
    const SshWay way;
    check_delivery_of_everything(site, way, true);
}

TEST_CASE("files of every name, links and directories arrive at a daemon, and nothing is left behind") {
    Site site;
    const DaemonWay way(site);
    check_delivery_of_everything(site, way, false);
}

TEST_CASE("files of every name, links and directories arrive on this machine, and nothing is left behind") {
    Site site;
    const LocalWay way;
    check_delivery_of_everything(site, way, true);
}

TEST_CASE("an rsync that is too old to trust a sender is told nothing of it") {
    Site site;
    const std::filesystem::path old_rsync = site.home() / "old-rsync";
    write_file(old_rsync,
               "#!/bin/sh\n"
               "for argument; do\n"
               "    if [ \"$argument\" = --trust-sender ]; then\n"
               "        echo 'rsync: --trust-sender: unknown option' >&2\n"
               "        exit 1\n"
               "    fi\n"
               "done\n"
               "exec rsync \"$@\"\n");
    std::filesystem::permissions(old_rsync, std::filesystem::perms::owner_all);
    LocalWay().add_stream(site, "", "cmd: " + old_rsync.string());
    write_file(site.source() / "file", "content");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p") << site.log("dtc_p"));
    CHECK(read_file(site.target() / "file") == "content");
    CHECK_FALSE(std::filesystem::exists(site.source() / "file"));
}

TEST_CASE("a login or a daemon that may remove nothing is sent files, at every start, and none is lost") {
    Site site;
    std::unique_ptr<Way> way;
    std::string options;
    SUBCASE("a login") {
        way = std::make_unique<SshWay>("ForceCommand rrsync -no-del -no-lock /");
        options = "extra_args: [--no-secluded-args]";
    }
    SUBCASE("a daemon") {
        way = std::make_unique<DaemonWay>(site, "", "refuse options = delete");
    }
    way->add_stream(site, "", options);
    for (const char* name : {"first", "second", "third"}) {
        write_file(site.source() / name, "content");
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p") << site.log("dtc_p"));
        CHECK(read_file(site.target() / name) == "content");
        CHECK_FALSE(std::filesystem::exists(site.source() / name));
    }
}

TEST_CASE("the sessions of a stream share one login") {
    Site site;
    const SshWay way;
    way.add_stream(site, "parallel_transfers: 4");
    constexpr std::size_t files = 40;
    for (std::size_t i = 0; i < files; ++i) {
        write_file(site.source() / std::to_string(i), "content");
    }
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p") << site.log("dtc_p"));
    CHECK(names_in(site.target()).size() == files);
    const std::string log = way.sshd.log();
    const std::size_t first = log.find("Accepted publickey");
    CHECK(first != std::string::npos);
    CHECK_MESSAGE(log.find("Accepted publickey", first + 1) == std::string::npos, log);
}

TEST_CASE("a move replaces a file that has the same size and time, and other content") {
    for (const bool checksum : {false, true}) {
        Site site;
        const LocalWay way;
        way.add_stream(site, "", checksum ? "checksum: true" : "");
        write_file(site.source() / "f", "new content");
        write_file(site.target() / "f", "old content");
        write_file(site.source() / "same", "same content");
        write_file(site.target() / "same", "same content");
        std::filesystem::last_write_time(site.target() / "f",
                                         std::filesystem::last_write_time(site.source() / "f"));
        CHECK(site.one_off().exit_code == 0);
        CHECK(read_file(site.target() / "f") == "new content");
        CHECK(read_file(site.target() / "same") == "same content");
        CHECK(names_in(site.source()).empty());
    }
}

TEST_CASE("a file that is refused holds no other back, and is quarantined") {
    Site site;
    const LocalWay way;
    way.add_stream(site, "retry_count: 2, retry_delay: 20ms");
    write_file(site.target() / "f/in the way", "a directory of the file's name");
    write_file(site.source() / "f", "refused");
    write_file(site.source() / "g", "good");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("p: left f: quarantined") != std::string::npos, result.output);
    CHECK(read_file(site.source() / "quarantine/f") == "refused");
    CHECK(read_file(site.target() / "g") == "good");
    CHECK(read_file(site.target() / "f/in the way") == "a directory of the file's name");
    CHECK(names_in(site.target()) == std::set<std::string>{"f", "g"});
}

TEST_CASE("a directory that exists at the target is added to, and nothing in it is lost") {
    Site site;
    const SshWay way;
    way.add_stream(site);
    write_file(site.target() / "d/old", "old");
    write_file(site.source() / "d/new", "new");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output);
    CHECK(read_file(site.target() / "d/old") == "old");
    CHECK(read_file(site.target() / "d/new") == "new");
    CHECK(names_in(site.source()).empty());
}

TEST_CASE(
    "a target that is the stream's own directory by way of another host stops the stream, and nothing is "
    "lost") {
    Site site;
    const SshWay way;
    site.add_stream_with("p", "plugin: rsync, target_host: 127.0.0.1, target_dir: " + site.source().string(),
                         "rsync: {port: " + std::to_string(way.sshd.port()) + ", username: " +
                             way.sshd.user() + ", ssh_key: " + way.sshd.client_key().string() +
                             ", known_hosts: " + way.sshd.known_hosts().string() + ", checksum: true}");
    write_file(site.source() / "file", "the only copy");
    std::filesystem::create_symlink("nowhere", site.source() / "link");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(count_of("CRITICAL", site.log("dtc_p")) == 1, result.output << site.log("dtc_p"));
    CHECK_MESSAGE(site.log("dtc_p").find("the target is the stream's own directory") != std::string::npos,
                  site.log("dtc_p"));
    CHECK(read_file(site.source() / "file") == "the only copy");
    CHECK(std::filesystem::is_symlink(site.source() / "link"));
    CHECK(count_of("delivered ", site.log("dtc_p")) == 0);
    for (const std::string& name : names_in(site.source())) {
        CHECK_FALSE(name.starts_with(".mistamover.probe."));
    }
}

TEST_CASE("a stop file in the target directory suspends the stream") {
    Site site;
    const DaemonWay way(site);
    way.add_stream(site);
    write_file(site.source() / "f", "x");
    write_file(site.target() / ".stop", "");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find(".stop") != std::string::npos, result.output);
    CHECK(names_in(site.target()) == std::set<std::string>{".stop"});
    std::filesystem::remove(site.target() / ".stop");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a refused key, an unknown and a changed host key stop the stream and keep the file") {
    struct Trial {
        const char* what;
        std::string expected;
    };
    for (const Trial& trial : {Trial{"key", "ssh was not let in"}, Trial{"unknown", "the host's key"},
                               Trial{"changed", "the host's key"}}) {
        Site site;
        SshWay way;
        if (trial.what == std::string("key")) {
            std::filesystem::rename(way.sshd.stranger_key(), way.sshd.client_key());
        } else if (trial.what == std::string("unknown")) {
            write_file(way.sshd.known_hosts(), "");
        } else {
            way.sshd.change_host_key();
        }
        way.add_stream(site);
        write_file(site.source() / "f", "x");
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find(trial.expected) != std::string::npos, trial.what << result.output);
        CHECK(read_file(site.source() / "f") == "x");
        CHECK(names_in(site.target()).empty());
    }
}

TEST_CASE("the key of a new host is taken where that is asked for, and held against it later") {
    Site site;
    SshWay way;
    write_file(way.sshd.known_hosts(), "");
    way.add_stream(site, "", "host_key: accept-new");
    write_file(site.source() / "f", "x");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "f") == "x");
    way.sshd.change_host_key();
    write_file(site.source() / "g", "x");
    CHECK(site.one_off().exit_code == 1);
    CHECK(read_file(site.source() / "g") == "x");
}

TEST_CASE("a daemon that wants a password gets it from either place, and a wrong one stops the stream") {
    Site site;
    const DaemonWay way(site, "sesame");
    const std::filesystem::path file = site.home() / "password";
    write_file(file, "sesame\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    for (const std::string& right : {std::string("password: sesame"), "password_file: " + file.string()}) {
        way.add_stream(site, "", "username: mover, " + right);
        write_file(site.source() / "f", "x");
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output);
        CHECK(read_file(site.target() / "f") == "x");
        std::filesystem::remove(site.target() / "f");
    }
    for (const std::string wrong : {"username: mover, password: abracadabra", ""}) {
        way.add_stream(site, "", wrong);
        write_file(site.source() / "f", "x");
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find("refuses the password") != std::string::npos, result.output);
        CHECK(result.output.find("abracadabra") == std::string::npos);
        CHECK(site.log("rsync_p").find("abracadabra") == std::string::npos);
        CHECK(read_file(site.source() / "f") == "x");
    }
}

TEST_CASE("a server that is not there keeps the files, and gets them once it is back") {
    Site site;
    SshWay ssh;
    DaemonWay rsyncd(site);
    for (Way* way : {static_cast<Way*>(&ssh), static_cast<Way*>(&rsyncd)}) {
        way->kill_server();
        way->add_stream(site);
        write_file(site.source() / "f", "x");
        const Daemon daemon(site);
        CHECK(eventually([&] { return site.state_of("p") == "backing-off"; }));
        CHECK(read_file(site.source() / "f") == "x");
        way->start_server();
        CHECK(eventually([&] { return read_file(site.target() / "f") == "x"; }));
        CHECK(eventually([&] { return !std::filesystem::exists(site.source() / "f"); }));
        CHECK(site.log("dtc_p").find("quarantine") == std::string::npos);
        std::filesystem::remove(site.target() / "f");
    }
}

TEST_CASE("a daemon whose disk hangs in the middle of a file is given up, though it says that it lives") {
    Site site;
    const DaemonWay way(site);
    way.add_stream(site, "retry_delay: 20ms, stall_timeout: 2s, parallel_transfers: 1, bandwidth_limit: 2MB");
    const std::string content = megabytes(8);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    // Beneath the daemon is the one that tells what it wants, and beneath that the one that writes.
    std::vector<pid_t> writers;
    REQUIRE(eventually([&] {
        writers.clear();
        for (const pid_t connection : descendants_of(way.rsyncd.pid())) {
            const std::vector<pid_t> below = descendants_of(connection);
            writers.insert(writers.end(), below.begin(), below.end());
        }
        return !writers.empty() && bytes_below(site.target()) > 500'000;
    }));
    for (const pid_t writer : writers) {
        ::kill(writer, SIGSTOP);
    }
    CHECK(eventually([&] { return site.log("dtc_p").find("(timed_out)") != std::string::npos; }));
    CHECK(eventually([&] { return !std::filesystem::exists(site.source() / "f"); }));
    for (const pid_t writer : writers) {
        ::kill(writer, SIGCONT);
    }
    CHECK((read_file(site.target() / "f") == content));
    CHECK(site.log("dtc_p").find("quarantine") == std::string::npos);
}

TEST_CASE("a target directory that is not there is not made, and used once it is there") {
    Site site;
    const DaemonWay way(site);
    way.add_stream(site);
    std::filesystem::remove(site.target());
    write_file(site.source() / "f", "x");
    const Daemon daemon(site);
    CHECK(eventually([&] { return site.state_of("p") == "backing-off"; }));
    CHECK_FALSE(std::filesystem::exists(site.target()));
    std::filesystem::create_directory(site.target());
    CHECK(eventually([&] { return read_file(site.target() / "f") == "x"; }));
}

TEST_CASE("a mirror sends, replaces and deletes, and never touches the source or what is excluded") {
    Site site;
    const SshWay way;
    way.add_stream(site, "transfer_mode: mirror, exclude: ['*.tmp', 'keep[1]']");
    write_file(site.source() / "same", "same");
    write_file(site.source() / "changed", "new");
    write_file(site.source() / "d/deep", "deep");
    write_file(site.source() / "x.tmp", "not sent");
    write_file(site.source() / ".hidden", "not sent");
    write_file(site.source() / "#odd\nname *", "odd");
    write_file(site.target() / "changed", "old content");
    write_file(site.target() / "vanished", "goes");
    write_file(site.target() / "d/vanished too", "goes");
    write_file(site.target() / "y.tmp", "stays");
    write_file(site.target() / "keep1", "stays");
    write_file(site.target() / ".stays", "stays");
    const std::set<std::string> before = names_in(site.source());
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p"));
    CHECK(names_in(site.target()) ==
          std::set<std::string>{"same", "changed", "d", "#odd\nname *", "y.tmp", "keep1", ".stays"});
    CHECK(names_in(site.target() / "d") == std::set<std::string>{"deep"});
    CHECK(read_file(site.target() / "changed") == "new");
    CHECK(read_file(site.target() / "#odd\nname *") == "odd");
    CHECK(names_in(site.source()) == before);
    CHECK(read_file(site.source() / "d/deep") == "deep");
}

TEST_CASE("a mirror with size_only: true takes files of one size for equal, and no others") {
    for (const bool size_only : {false, true}) {
        CAPTURE(size_only);
        Site site;
        const LocalWay way;
        way.add_stream(site, "transfer_mode: mirror", size_only ? "size_only: true" : "");
        write_file(site.source() / "same size", "new content");
        write_file(site.target() / "same size", "old content");
        write_file(site.source() / "longer", "new and longer");
        write_file(site.target() / "longer", "old");
        write_file(site.source() / "new", "new");
        std::filesystem::last_write_time(
            site.target() / "same size",
            std::filesystem::last_write_time(site.source() / "same size") - std::chrono::hours(1));
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p"));
        CHECK(read_file(site.target() / "same size") == (size_only ? "old content" : "new content"));
        CHECK(read_file(site.target() / "longer") == "new and longer");
        CHECK(read_file(site.target() / "new") == "new");
    }
}

TEST_CASE("a mirror from which more than max_delete entries vanished deletes none, and says so") {
    Site site;
    const DaemonWay way(site);
    way.add_stream(site, "transfer_mode: mirror, max_delete: 2, retry_count: 1");
    write_file(site.source() / "new", "new");
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        write_file(site.target() / name, "x");
    }
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("max_delete") != std::string::npos, result.output);
    CHECK(names_in(site.target()) == std::set<std::string>{"a", "b", "c", "d", "e", "new"});
    for (const char* name : {"a", "b", "c"}) {
        std::filesystem::remove(site.target() / name);
    }
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == std::set<std::string>{"new"});
}

TEST_CASE(
    "a full target keeps the files, holds nothing partial, and goes on when there is "
    "room") {
    Site site;
    DaemonWay way(site);
    way.kill_server();  // so that it starts again where the small file system is seen
    way.add_stream(site);
    const SmallFileSystem target(site.target());
    if (!target.is_mounted()) {
        MESSAGE("not tested: only root may mount a small file system");
        return;
    }
    way.start_server();
    write_file(site.source() / "large", std::string(2'000'000, 'x'));
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.log("dtc_p").find("the target is full") != std::string::npos; }));
    CHECK(eventually([&] { return site.state_of("p") == "backing-off"; }));
    // Between two tries.
    CHECK(eventually([&] { return files_below(site.target()) == std::set<std::string>{}; }));
    CHECK(std::filesystem::file_size(site.source() / "large") == 2'000'000);
    target.grow();
    CHECK(eventually([&] { return !std::filesystem::exists(site.source() / "large"); }));
    CHECK(read_file(site.target() / "large") == std::string(2'000'000, 'x'));
    CHECK(site.log("dtc_p").find("quarantine") == std::string::npos);
}

TEST_CASE("where a directory of the target is a file system that is full, an old file there stays whole") {
    for (const char* mode : {"move", "mirror"}) {
        CAPTURE(mode);
        Site site;
        LocalWay().add_stream(site, std::string("transfer_mode: ") + mode);
        const std::filesystem::path directory = site.target() / "d";
        std::filesystem::create_directory(directory);
        const SmallFileSystem full(directory);
        if (!full.is_mounted()) {
            MESSAGE("not tested: only root may mount a small file system");
            return;
        }
        write_file(directory / "large", "old");
        write_file(site.source() / "d/large", std::string(2'000'000, 'x'));
        const Daemon daemon(site);
        REQUIRE(
            eventually([&] { return site.log("dtc_p").find("the target is full") != std::string::npos; }));
        CHECK(read_file(directory / "large") == "old");
        // Between two tries.
        CHECK(eventually([&] { return names_in(directory) == std::set<std::string>{"large"}; }));
        full.grow();
        CHECK(eventually([&] { return read_file(directory / "large") == std::string(2'000'000, 'x'); }));
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
