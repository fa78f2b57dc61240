// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/watcher.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "loop_support.hpp"
#include "scratch.hpp"

namespace mistamover::test {
namespace {

using supervisor::Watcher;

struct WatchedNames {
    std::vector<std::string> names;
    bool lost = false;
    bool gone = false;

    Watcher::Handler handler() {
        return [this](const Watcher::Events& events) {
            names.insert(names.end(), events.names.begin(), events.names.end());
            lost = lost || events.lost;
            gone = gone || events.gone;
        };
    }
    [[nodiscard]] bool has(const std::string& name) const {
        return std::find(names.begin(), names.end(), name) != names.end();
    }
};

}  // namespace

TEST_CASE("what comes, is closed after writing or goes is told by its name, in its own directory") {
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "a");
    std::filesystem::create_directories(scratch / "b");
    process::EventLoop loop;
    Watcher watcher(loop);
    WatchedNames a;
    WatchedNames b;
    std::string problem;
    REQUIRE(watcher.add((scratch / "a").string(), a.handler(), problem) != 0);
    REQUIRE(watcher.add((scratch / "b").string(), b.handler(), problem) != 0);
    write_file(scratch / "a/written", "x");
    REQUIRE(run_until(loop, [&] { return a.has("written"); }));
    a.names.clear();
    std::filesystem::rename(scratch / "a/written", scratch / "b/moved");
    REQUIRE(run_until(loop, [&] { return a.has("written") && b.has("moved"); }));
    b.names.clear();
    std::filesystem::remove(scratch / "b/moved");
    CHECK(run_until(loop, [&] { return b.has("moved"); }));
    CHECK_FALSE(a.has("moved"));
}

TEST_CASE("a directory may be watched twice, and one of the two watches be removed") {
    const Scratch scratch;
    process::EventLoop loop;
    Watcher watcher(loop);
    WatchedNames first;
    WatchedNames second;
    std::string problem;
    const Watcher::WatchId id = watcher.add(scratch.path().string(), first.handler(), problem);
    REQUIRE(watcher.add(scratch.path().string(), second.handler(), problem) != 0);
    write_file(scratch / "x", "");
    REQUIRE(run_until(loop, [&] { return first.has("x") && second.has("x"); }));
    watcher.remove(id);
    watcher.remove(id);
    write_file(scratch / "y", "");
    REQUIRE(run_until(loop, [&] { return second.has("y"); }));
    CHECK_FALSE(first.has("y"));
}

TEST_CASE("a changed mode is told to whoever asked for it, and otherwise to nobody") {
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "a");
    std::filesystem::create_directories(scratch / "b");
    write_file(scratch / "a/x", "");
    write_file(scratch / "b/x", "");
    process::EventLoop loop;
    Watcher watcher(loop);
    WatchedNames a;
    WatchedNames b;
    std::string problem;
    REQUIRE(watcher.add((scratch / "a").string(), a.handler(), problem) != 0);
    REQUIRE(watcher.add((scratch / "b").string(), b.handler(), problem, Watcher::Attributes::tell) != 0);
    std::filesystem::permissions(scratch / "a/x", std::filesystem::perms{0600});
    std::filesystem::permissions(scratch / "b/x", std::filesystem::perms{0600});
    CHECK(run_until(loop, [&] { return b.has("x"); }));
    CHECK(a.names.empty());
}

TEST_CASE("a directory that is removed or moved away is told to be gone") {
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "removed");
    std::filesystem::create_directories(scratch / "moved");
    process::EventLoop loop;
    Watcher watcher(loop);
    WatchedNames removed;
    WatchedNames moved;
    std::string problem;
    REQUIRE(watcher.add((scratch / "removed").string(), removed.handler(), problem) != 0);
    REQUIRE(watcher.add((scratch / "moved").string(), moved.handler(), problem) != 0);
    std::filesystem::remove(scratch / "removed");
    std::filesystem::rename(scratch / "moved", scratch / "elsewhere");
    CHECK(run_until(loop, [&] { return removed.gone && moved.gone; }));
}

TEST_CASE("a refusal says what is wrong with which directory") {
    process::EventLoop loop;
    Watcher watcher(loop);
    std::string problem;
    CHECK(watcher.add(
              "/nowhere/at/all", [](const Watcher::Events&) {}, problem) == 0);
    CHECK(problem == "/nowhere/at/all: No such file or directory");
}

}  // namespace mistamover::test
