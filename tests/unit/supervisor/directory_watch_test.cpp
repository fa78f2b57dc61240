// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/directory_watch.hpp"

#include <doctest/doctest.h>
#include <set>

#include "loop_support.hpp"
#include "scratch.hpp"

namespace mistamover::test {
namespace {

using supervisor::DirectoryWatch;
using supervisor::Watcher;

struct WatchedDirectory {
    Scratch scratch;
    process::EventLoop loop;
    Watcher watcher{loop};
    std::set<std::string> names;
    int lost = 0;
    bool gone = false;

    Watcher::Handler handler() {
        return [this](const Watcher::Events& events) {
            names.insert(events.names.begin(), events.names.end());
            lost += events.lost ? 1 : 0;
            gone = gone || events.gone;
        };
    }
    // Whether a file that is written there is told as a change of `entry`.
    bool tells(const std::string& file, const std::string& entry) {
        names.clear();
        write_file(scratch / file, "x");
        return run_until(loop, [&] { return names.contains(entry); });
    }
};

}  // namespace

TEST_CASE("alone: entries are told, what is below them is not") {
    WatchedDirectory watched;
    std::filesystem::create_directories(watched.scratch / "directory");
    const DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), false,
                               watched.handler());
    CHECK(watch.problem().empty());
    write_file(watched.scratch / "directory/below", "");
    CHECK(watched.tells("file", "file"));
    CHECK(watched.names == std::set<std::string>{"file"});
}

TEST_CASE("recursive: a change far below is told by the entry above, also in directories that come later") {
    WatchedDirectory watched;
    std::filesystem::create_directories(watched.scratch / "a/b/c");
    const DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), true,
                               watched.handler());
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 1; }));
    CHECK(watched.tells("a/b/c/file", "a"));
    CHECK(watched.names == std::set<std::string>{"a"});

    std::filesystem::create_directories(watched.scratch / "new/below");
    REQUIRE(run_until(watched.loop, [&] { return watched.lost >= 2; }));
    CHECK(watched.tells("new/below/file", "new"));

    std::filesystem::create_directories(watched.scratch / "a/b/later");
    const int before = watched.lost;
    REQUIRE(run_until(watched.loop, [&] { return watched.lost > before; }));
    CHECK(watched.tells("a/b/later/file", "a"));
}

TEST_CASE("recursive: a directory that moves is watched where it is, and one that leaves is not watched") {
    WatchedDirectory watched;
    const Scratch elsewhere(watched.scratch.path().parent_path());
    std::filesystem::create_directories(watched.scratch / "a/moves/below");
    std::filesystem::create_directories(watched.scratch / "b");
    std::filesystem::create_directories(watched.scratch / "leaves/below");
    const DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), true,
                               watched.handler());
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 1; }));
    std::filesystem::rename(watched.scratch / "a/moves", watched.scratch / "b/moved");
    std::filesystem::rename(watched.scratch / "leaves", elsewhere / "left");
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 2; }));
    CHECK(watched.tells("b/moved/below/file", "b"));
    CHECK_FALSE(watched.names.contains("a"));
    watched.names.clear();
    write_file(elsewhere / "left/below/file", "x");
    CHECK(watched.tells("last", "last"));
    CHECK(watched.names == std::set<std::string>{"last"});
}

TEST_CASE("recursive: symbolic links are not followed, and what has a dot in front is left out") {
    WatchedDirectory watched;
    const Scratch elsewhere;
    std::filesystem::create_directories(watched.scratch / ".hidden");
    std::filesystem::create_directory_symlink(elsewhere.path(), watched.scratch / "link");
    const DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), true,
                               watched.handler());
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 1; }));
    write_file(watched.scratch / ".hidden/file", "x");
    write_file(elsewhere / "file", "x");
    CHECK(watched.tells("last", "last"));
    CHECK(watched.names == std::set<std::string>{"last"});
}

TEST_CASE("recursive: more directories than are searched in one step are all found") {
    WatchedDirectory watched;
    for (int i = 0; i < 350; ++i) {
        std::filesystem::create_directories(watched.scratch / ("d" + std::to_string(i)) / "below");
    }
    const DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), true,
                               watched.handler());
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 1; }));
    CHECK(watched.tells("d0/below/file", "d0"));
    CHECK(watched.tells("d349/below/file", "d349"));
}

TEST_CASE("recursive: directories that came while events were lost are watched, too") {
    WatchedDirectory watched;
    std::filesystem::create_directories(watched.scratch / "full");
    const DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), true,
                               watched.handler());
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 1; }));
    const int queue_length = std::stoi(read_file("/proc/sys/fs/inotify/max_queued_events"));
    for (int i = 0; i < queue_length; ++i) {
        write_file(watched.scratch / "full" / std::to_string(i % 100), "");
    }
    std::filesystem::create_directories(watched.scratch / "new/below");
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 3; }));  // told, and searched again
    CHECK(watched.tells("new/below/file", "new"));
}

TEST_CASE("recursive: once something is mounted below, or unmounted, directories are found again") {
    WatchedDirectory watched;
    std::filesystem::create_directories(watched.scratch / "disk");
    DirectoryWatch watch(watched.loop, watched.watcher, watched.scratch.path(), true, watched.handler());
    REQUIRE(run_until(watched.loop, [&] { return watched.lost == 1; }));
    const Scratch elsewhere;
    const std::filesystem::path table = elsewhere / "mounted";
    const std::string root = "/dev/root / ext4 rw 0 0\n";
    const std::filesystem::path disk = std::filesystem::canonical(watched.scratch / "disk");
    write_file(table, root + "/dev/sdb1 " + disk.string() + " ext4 rw 0 0\n");
    watch.note_mounts(files::MountList(table));
    CHECK(run_until(watched.loop, [&] { return watched.lost == 2; }));
    watch.note_mounts(files::MountList(table));  // of something elsewhere
    CHECK(watched.tells("disk/file", "disk"));
    CHECK(watched.lost == 2);
    write_file(table, root);
    watch.note_mounts(files::MountList(table));
    CHECK(run_until(watched.loop, [&] { return watched.lost == 3; }));
    CHECK(watched.tells("disk/file", "disk"));
}

TEST_CASE("the end of the directory itself is told, by a watch that may be destroyed then") {
    WatchedDirectory watched;
    std::filesystem::create_directories(watched.scratch / "home");
    std::unique_ptr<DirectoryWatch> watch;
    watch = std::make_unique<DirectoryWatch>(watched.loop, watched.watcher, watched.scratch / "home", true,
                                             [&](const Watcher::Events& events) {
                                                 if (events.gone) {
                                                     watched.gone = true;
                                                     watch.reset();
                                                 }
                                             });
    std::filesystem::remove(watched.scratch / "home");
    CHECK(run_until(watched.loop, [&] { return watched.gone; }));
}

TEST_CASE("a directory that cannot be watched says why") {
    WatchedDirectory watched;
    const DirectoryWatch watch(watched.loop, watched.watcher, "/nowhere/at/all", true, watched.handler());
    CHECK(watch.problem() == "/nowhere/at/all: No such file or directory");
}

}  // namespace mistamover::test
