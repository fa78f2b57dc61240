// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/configuration_watch.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "loop_support.hpp"
#include "scratch.hpp"

namespace mistamover::test {
namespace {

using namespace std::chrono_literals;
using supervisor::ConfigurationWatch;
using supervisor::Watcher;

struct WatchedConfiguration {
    Scratch scratch;
    process::EventLoop loop;
    Watcher watcher{loop};
    int changes = 0;
    ConfigurationWatch watch{loop, watcher, [this] { ++changes; }};
    std::filesystem::path file = scratch / "etc/mistamover.yaml";
    std::filesystem::path directory = scratch / "streams.d";

    WatchedConfiguration() {
        write_file(file, "");
        std::filesystem::create_directories(directory);
        aim();
        // What may have changed before it was watched.
        REQUIRE(run_until(loop, [this] { return changes == 1; }));
    }
    void aim() { watch.watch(file, directory, 20ms); }
    bool notices(const std::function<void()>& change) {
        const int before = changes;
        change();
        return run_until(loop, [&] { return changes > before; });
    }
};

}  // namespace

TEST_CASE("new, changed and removed stream files and a changed global file are noticed, others are not") {
    WatchedConfiguration watched;
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yaml", "x"); }));
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yaml", "y"); }));
    CHECK(watched.notices([&] { std::filesystem::remove(watched.directory / "a.yaml"); }));
    CHECK(watched.notices([&] { write_file(watched.file, "x"); }));
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yml", "x"); }));
    const int before = watched.changes;
    write_file(watched.directory / "notes.txt", "x");
    write_file(watched.directory / ".a.yaml.swp", "x");
    write_file(watched.file.parent_path() / "other.yaml", "x");
    run_for(watched.loop, 500ms);
    CHECK(watched.changes == before);
}

TEST_CASE("a changed mode is noticed, and so is a change of the file that a link leads to") {
    WatchedConfiguration watched;
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yaml", "x"); }));
    CHECK(watched.notices([&] { ::chmod((watched.directory / "a.yaml").c_str(), 0600); }));
    CHECK(watched.notices([&] { ::chmod(watched.file.c_str(), 0600); }));
    const std::filesystem::path target = watched.scratch / "elsewhere.yaml";
    write_file(target, "x");
    CHECK(watched.notices([&] { std::filesystem::create_symlink(target, watched.directory / "b.yaml"); }));
    CHECK(watched.notices([&] { write_file(target, "longer"); }));
    CHECK(watched.notices([&] { ::chmod(target.c_str(), 0600); }));
    const int before = watched.changes;
    run_for(watched.loop, 500ms);
    CHECK(watched.changes == before);
}

TEST_CASE("several steps of an editor are one change") {
    WatchedConfiguration watched;
    CHECK(watched.notices([&] {
        for (int i = 0; i < 10; ++i) {
            write_file(watched.directory / "a.yaml", std::to_string(i));
        }
    }));
    run_for(watched.loop, 500ms);
    CHECK(watched.changes == 2);
}

TEST_CASE("aiming at the same files again changes nothing; another directory counts as changed") {
    WatchedConfiguration watched;
    watched.aim();
    run_for(watched.loop, 500ms);
    CHECK(watched.changes == 1);
    std::filesystem::create_directories(watched.scratch / "other.d");
    CHECK(watched.notices([&] {
        watched.directory = watched.scratch / "other.d";
        watched.aim();
    }));
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yaml", "x"); }));
}

TEST_CASE("a directory that was replaced is watched again") {
    WatchedConfiguration watched;
    CHECK(watched.notices([&] {
        std::filesystem::rename(watched.directory, watched.scratch / "old.d");
        std::filesystem::create_directories(watched.directory);
    }));
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yaml", "x"); }));
}

TEST_CASE("another directory that has the name now, by a link or by one above, is found and watched") {
    WatchedConfiguration watched;
    const std::filesystem::path link = watched.scratch / "current";
    const auto lead_to = [&](const std::string& version) {
        std::filesystem::create_directories(watched.scratch / version / "streams.d");
        std::filesystem::create_directory_symlink(version, watched.scratch / "next");
        std::filesystem::rename(watched.scratch / "next", link);
    };
    lead_to("v1");
    CHECK(watched.notices([&] {
        watched.directory = link / "streams.d";
        watched.aim();
    }));
    lead_to("v2");
    CHECK(watched.notices([&] { watched.watch.look_again(); }));
    CHECK(watched.notices([&] { write_file(watched.scratch / "v2/streams.d/a.yaml", "x"); }));
    std::filesystem::rename(watched.scratch / "v2", watched.scratch / "v3");
    CHECK(watched.notices([&] { watched.aim(); }));
    lead_to("v3");
    // By itself: a name that led nowhere is looked for as often as it was told.
    CHECK(watched.notices([] {}));
    CHECK(watched.notices([&] { write_file(watched.scratch / "v3/streams.d/a.yaml", "y"); }));
    const int before = watched.changes;
    write_file(watched.scratch / "v1/streams.d/a.yaml", "x");
    watched.watch.look_again();
    run_for(watched.loop, 500ms);
    CHECK(watched.changes == before);
}

TEST_CASE("a directory that comes back later is noticed then, and watched") {
    WatchedConfiguration watched;
    CHECK(watched.notices([&] { std::filesystem::remove_all(watched.directory); }));
    CHECK(watched.notices([&] { std::filesystem::create_directories(watched.directory); }));
    CHECK(watched.notices([&] { write_file(watched.directory / "a.yaml", "x"); }));
}

}  // namespace mistamover::test
