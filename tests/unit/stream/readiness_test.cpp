// SPDX-License-Identifier: BSD-3-Clause
#include "stream/readiness.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point looked_at{1'000'000s};

std::chrono::milliseconds time_left(EntryKind kind, Writers writers, std::chrono::nanoseconds ago,
                                    std::optional<std::chrono::milliseconds> settle_time = std::nullopt) {
    config::OutgoingSettings settings;
    settings.settle_time = settle_time;
    const std::int64_t changed = (looked_at.time_since_epoch() - ago) / 1ns;
    return settle_time_left(settings, kind, writers, changed, looked_at);
}

/// A unit of which no lease tells whether it is written, as a stream looks at it again and again.
struct WatchedUnit {
    config::OutgoingSettings settings;
    Settling settling;
    Look look;
    std::chrono::system_clock::time_point wall{looked_at};

    explicit WatchedUnit(bool remote, Writers writers = Writers::cannot_tell) {
        look.remote = remote;
        look.writers = writers;
        look.manifest.entries.push_back({"f", {}});
        look.manifest.entries.front().identity.kind = EntryKind::file;
        look.begun = look.ended = Settling::Clock::time_point{1000s};
    }
    void change(std::chrono::system_clock::time_point when) {
        look.newest_change_ns = when.time_since_epoch() / 1ns;
        look.manifest.entries.front().identity.ctime_ns = look.newest_change_ns;
        ++look.manifest.bytes;
    }
    std::chrono::milliseconds time_left_after(std::chrono::nanoseconds passed) {
        look.begun += passed;
        look.ended += passed;
        wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(passed);
        return settle_time_left(settings, "f", look, wall, settling);
    }
};

}  // namespace

TEST_CASE("a file that nobody writes to is complete at once, where the kernel can tell") {
    CHECK(time_left(EntryKind::file, Writers::none, 0s) == 0ms);
    CHECK(time_left(EntryKind::symlink, Writers::none, 0s) == 0ms);
}

TEST_CASE("where the kernel cannot tell, a file is complete when it has not changed for 5 s") {
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, 0s) == 5s);
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, 4999ms) == 1ms);
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, 4999ms + 1ns) == 1ms);
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, 5s) <= 0ms);
}

TEST_CASE("a directory is complete when nothing in it has changed for 2 s, however short settle_time is") {
    CHECK(time_left(EntryKind::directory, Writers::none, 0s) == 2s);
    CHECK(time_left(EntryKind::directory, Writers::none, 0s, 10ms) == 2s);
    CHECK(time_left(EntryKind::directory, Writers::none, 0s, 10s) == 10s);
    CHECK(time_left(EntryKind::directory, Writers::cannot_tell, 0s) == 5s);
    CHECK(time_left(EntryKind::directory, Writers::none, 2s) <= 0ms);
}

TEST_CASE("settle_time holds everywhere once it is set") {
    CHECK(time_left(EntryKind::file, Writers::none, 1s, 3s) == 2s);
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, 0s, 100ms) == 100ms);
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, 0s, 0ms) == 0ms);
}

TEST_CASE("a change in the future, of a clock that was set back, holds nothing for longer") {
    CHECK(time_left(EntryKind::file, Writers::cannot_tell, -1h) == 5s);
}

TEST_CASE("on a remote file system, what was seen unchanged for 5 s is complete, whatever the clocks say") {
    WatchedUnit unit(true);
    SUBCASE("they agree") {
        unit.change(looked_at);
    }
    SUBCASE("this host's is ahead") {
        unit.change(looked_at - 1h);
    }
    SUBCASE("the server's is ahead") {
        unit.change(looked_at + 1h);
    }
    CHECK(unit.time_left_after(0s) == 5s);
    CHECK(unit.time_left_after(4s) == 1s);
    CHECK(unit.time_left_after(1s) <= 0ms);
}

TEST_CASE("a unit that is being written is not complete, however far this host's clock is ahead") {
    WatchedUnit unit(true);
    for (int i = 0; i < 10; ++i) {
        unit.change(unit.wall - 1h);
        CHECK(unit.time_left_after(4s) == 5s);
    }
    CHECK(unit.time_left_after(5s) <= 0ms);
}

TEST_CASE("settle_time holds on a remote file system, too") {
    WatchedUnit unit(true);
    unit.settings.settle_time = 20s;
    CHECK(unit.time_left_after(0s) == 20s);
    CHECK(unit.time_left_after(20s) <= 0ms);
    unit.settings.settle_time = 0s;
    unit.change(unit.wall);
    CHECK(unit.time_left_after(0s) == 0ms);
}

TEST_CASE("on a local file system a unit that was left alone for long enough is complete at the first look") {
    WatchedUnit unit(false);
    unit.change(looked_at - 3s);
    CHECK(unit.time_left_after(0s) == 2s);
    CHECK(unit.time_left_after(2s) <= 0ms);
    CHECK(unit.settling.size() == 0);
    unit.change(unit.wall - 5s);
    CHECK(unit.time_left_after(0s) <= 0ms);
    CHECK(unit.settling.size() == 0);
}

TEST_CASE("of what nobody writes to on a local file system nothing is remembered") {
    WatchedUnit unit(false, Writers::none);
    unit.change(looked_at + 1h);
    CHECK(unit.time_left_after(0s) == 0ms);
    CHECK(unit.settling.size() == 0);
}

TEST_CASE("on a local file system a clock that was set back holds a unit no longer than 5 s") {
    WatchedUnit unit(false);
    SUBCASE("before the first look") {
        unit.change(looked_at + 1h);
    }
    SUBCASE("by less than that time") {
        unit.change(looked_at + 2s);
    }
    SUBCASE("between two looks") {
        unit.change(looked_at);
        CHECK(unit.time_left_after(0s) == 5s);
        unit.wall -= 1h;
    }
    CHECK(unit.time_left_after(0s) == 5s);
    CHECK(unit.time_left_after(4s) == 1s);
    CHECK(unit.time_left_after(1s) <= 0ms);
}

TEST_CASE("a clock that is set forward between two writes makes no unit complete") {
    WatchedUnit unit(false);
    unit.change(looked_at);
    CHECK(unit.time_left_after(0s) == 5s);
    unit.wall += 1h;
    CHECK(unit.time_left_after(1s) == 4s);
    unit.change(unit.wall);
    CHECK(unit.time_left_after(1s) == 5s);
    CHECK(unit.time_left_after(5s) <= 0ms);
}

TEST_CASE("what had been left alone for long enough before the clock was set forward is complete at once") {
    WatchedUnit unit(false);
    unit.change(looked_at);
    CHECK(unit.time_left_after(0s) == 5s);
    unit.wall += 1h;
    unit.change(looked_at - 1h);
    CHECK(unit.time_left_after(0s) <= 0ms);
}

TEST_CASE("each file of a unit on a remote file system must be seen unchanged, whatever the others do") {
    WatchedUnit unit(true);
    const auto add_file = [&](const char* path, Writers writers) {
        Identity identity;
        identity.kind = EntryKind::file;
        identity.ctime_ns = (looked_at - 1h).time_since_epoch() / 1ns;  // by another clock
        unit.look.manifest.entries.push_back({path, identity});
        unit.look.writers_of_entry.push_back(writers);
    };
    unit.look.manifest.entries.front().path = "d";
    unit.look.manifest.entries.front().identity.kind = EntryKind::directory;
    unit.look.writers_of_entry.push_back(Writers::none);
    add_file("d/quiet", Writers::cannot_tell);
    add_file("d/written", Writers::cannot_tell);
    add_file("d/told", Writers::none);
    const auto left_after = [&](std::chrono::seconds passed, std::size_t index) {
        unit.look.begun += passed;
        unit.look.ended += passed;
        return settle_time_left_of_entry(unit.settings, unit.look, index, unit.wall, unit.settling);
    };
    CHECK(left_after(0s, 1) == 5s);
    CHECK(left_after(0s, 2) == 5s);
    CHECK(left_after(0s, 3) == 0ms);
    ++unit.look.manifest.entries[2].identity.size;
    CHECK(left_after(4s, 1) == 1s);
    CHECK(left_after(0s, 2) == 5s);
    CHECK(left_after(1s, 1) <= 0ms);
    CHECK(left_after(0s, 2) == 4s);
    CHECK(left_after(4s, 2) <= 0ms);
    CHECK(unit.settling.size() == 2);
}

}  // namespace mistamover::stream
