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

}  // namespace mistamover::stream
