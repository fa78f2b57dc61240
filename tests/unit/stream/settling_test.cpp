// SPDX-License-Identifier: BSD-3-Clause
#include "stream/settling.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <thread>
#include <utility>
#include <vector>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

struct Observer {
    Settling settling{3};
    Settling::Clock::time_point now{1000s};

    std::chrono::milliseconds look(const std::string& name, const Identity& seen,
                                   std::chrono::milliseconds needed = 5s) {
        Look look;
        look.manifest.entries.push_back({name, seen});
        look.manifest.bytes = seen.size;
        look.newest_change_ns = seen.ctime_ns;
        look.begun = now;
        look.ended = now;
        return settling.time_left(name, look, needed);
    }
};

Identity file_of(std::uint64_t size, std::int64_t mtime_ns = 7, std::int64_t ctime_ns = 8) {
    Identity identity;
    identity.size = size;
    identity.mtime_ns = mtime_ns;
    identity.ctime_ns = ctime_ns;
    identity.kind = EntryKind::file;
    return identity;
}

}  // namespace

TEST_CASE("a unit has settled when it was seen unchanged for the time, however old its times are") {
    Observer observer;
    CHECK(observer.look("f", file_of(1)) == 5s);
    observer.now += 2s;
    CHECK(observer.look("f", file_of(1)) == 3s);
    observer.now += 3s - 1ns;
    CHECK(observer.look("f", file_of(1)) == 1ms);
    observer.now += 1ns;
    CHECK(observer.look("f", file_of(1)) <= 0ms);
}

TEST_CASE("any change of a unit's size or times begins it anew") {
    Observer observer;
    Identity changed = file_of(1);
    SUBCASE("its size") {
        changed = file_of(2);
    }
    SUBCASE("its modification time") {
        changed = file_of(1, 6);
    }
    SUBCASE("its change time") {
        changed = file_of(1, 7, 9);
    }
    SUBCASE("a change time set back, as by another server") {
        changed = file_of(1, 7, -9);
    }
    CHECK(observer.look("f", file_of(1)) == 5s);
    observer.now += 10s;
    CHECK(observer.look("f", changed) == 5s);
    observer.now += 5s;
    CHECK(observer.look("f", changed) <= 0ms);
}

TEST_CASE("another inode number is no change") {
    Observer observer;
    CHECK(observer.look("f", file_of(1)) == 5s);
    observer.now += 5s;
    Identity same = file_of(1);
    same.inode = 12;
    CHECK(observer.look("f", same) <= 0ms);
}

TEST_CASE("a change within a directory begins it anew, also where sum and newest time stay") {
    Settling settling;
    Look look;
    look.manifest.entries = {{"d", {}}, {"d/a", file_of(1)}, {"d/b", file_of(2)}};
    look.manifest.bytes = 3;
    look.newest_change_ns = 8;
    look.begun = look.ended = Settling::Clock::time_point{1000s};
    CHECK(settling.time_left("d", look, 5s) == 5s);
    look.begun = look.ended = Settling::Clock::time_point{1005s};
    SUBCASE("nothing has changed") {
        CHECK(settling.time_left("d", look, 5s) <= 0ms);
    }
    SUBCASE("a file's time has") {
        look.manifest.entries[1].identity.mtime_ns = 6;
        CHECK(settling.time_left("d", look, 5s) == 5s);
    }
    SUBCASE("one file has grown by what the other has lost") {
        std::swap(look.manifest.entries[1].identity, look.manifest.entries[2].identity);
        CHECK(settling.time_left("d", look, 5s) == 5s);
    }
    SUBCASE("a file has another name") {
        look.manifest.entries[1].path = "d/aa";
        CHECK(settling.time_left("d", look, 5s) == 5s);
    }
}

TEST_CASE("the time counts from the end of one look to the beginning of another") {
    Settling settling;
    Look look;
    look.manifest.entries.push_back({"f", file_of(1)});
    look.begun = Settling::Clock::time_point{1000s};
    look.ended = look.begun + 3s;
    CHECK(settling.time_left("f", look, 5s) == 5s);
    look.begun += 6s;
    look.ended = look.begun + 3s;
    CHECK(settling.time_left("f", look, 5s) == 2s);
    look.begun += 2s;
    look.ended = look.begun + 3s;
    CHECK(settling.time_left("f", look, 5s) <= 0ms);
}

TEST_CASE("a unit that has settled and could not be sent need not settle again") {
    Observer observer;
    observer.look("f", file_of(1));
    observer.now += 5s;
    CHECK(observer.look("f", file_of(1)) <= 0ms);
    observer.now += 10min;  // the longest pause before another try
    CHECK(observer.look("f", file_of(1)) <= 0ms);
    CHECK(observer.look("f", file_of(2)) == 5s);
}

TEST_CASE("a unit that was forgotten is seen for the first time") {
    Observer observer;
    observer.look("f", file_of(1));
    observer.now += 5s;
    observer.settling.forget("f");
    CHECK(observer.settling.size() == 0);
    CHECK(observer.look("f", file_of(1)) == 5s);
}

TEST_CASE("a unit that nobody looks at any more is forgotten, one that waits for its time is not") {
    Observer observer;
    observer.look("gone", file_of(1));
    observer.look("waits", file_of(1), 1h);
    observer.now += 59min;
    observer.look("other", file_of(1));
    CHECK(observer.settling.size() == 2);
    observer.now += 1min;
    CHECK(observer.look("waits", file_of(1), 1h) <= 0ms);
}

TEST_CASE("a mirror's file is remembered however long a pass takes, until two whole ones have not seen it") {
    Observer observer{Settling(SIZE_MAX)};
    const auto begin_pass = [&] { observer.settling.note_clocks({}, observer.now); };
    begin_pass();
    CHECK(observer.look("a", file_of(1)) == 5s);
    CHECK(observer.look("goes", file_of(1)) == 5s);
    observer.now += 25min;
    CHECK(observer.look("z", file_of(1)) == 5s);
    observer.now += 1min;
    begin_pass();
    CHECK(observer.look("a", file_of(1)) <= 0ms);
    observer.now += 25min;
    CHECK(observer.look("z", file_of(1)) <= 0ms);
    for (const std::size_t remembered : {3U, 2U}) {
        begin_pass();
        observer.now += 26min;
        CHECK(observer.look("a", file_of(1)) <= 0ms);
        CHECK(observer.look("z", file_of(1)) <= 0ms);
        CHECK(observer.settling.size() == remembered);
    }
}

TEST_CASE("no more than so many are remembered: those that have settled make room for others") {
    Observer observer;
    for (const char* name : {"a", "b", "c"}) {
        CHECK(observer.look(name, file_of(1)) == 5s);
    }
    observer.now += 5s;
    CHECK(observer.look("d", file_of(1)) == 5s);
    CHECK(observer.settling.size() == 3);
    CHECK(observer.look("a", file_of(1)) <= 0ms);
    observer.now += 5s;
    CHECK(observer.look("d", file_of(1)) == 5s);
    CHECK(observer.settling.size() == 3);
    CHECK(observer.look("b", file_of(1)) <= 0ms);
    CHECK(observer.look("c", file_of(1)) <= 0ms);
    observer.now += 5s;
    CHECK(observer.look("d", file_of(1)) <= 0ms);
}

TEST_CASE("sessions take notes side by side") {
    Settling settling;
    std::vector<std::thread> sessions;
    sessions.reserve(4);
    for (int i = 0; i < 4; ++i) {
        sessions.emplace_back([&settling, i] {
            Look look;
            look.manifest.entries.push_back({"f", file_of(1)});
            for (int unit = 0; unit < 100; ++unit) {
                settling.time_left(std::to_string(i) + '-' + std::to_string(unit), look, 5s);
            }
        });
    }
    for (std::thread& session : sessions) {
        session.join();
    }
    CHECK(settling.size() == 400);
}

}  // namespace mistamover::stream
