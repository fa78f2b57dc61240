// SPDX-License-Identifier: BSD-3-Clause
#include "stream/mirror_difference.hpp"

#include <cstdint>
#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

using MirrorPaths = std::vector<std::string>;

constexpr std::int64_t one_second = 1'000'000'000;

// A tree as text: "d/" is a directory, "f" a file of 10 bytes, written at 100 s.
MirrorSource mirror_source(const MirrorPaths& paths) {
    MirrorSource result;
    for (const std::string& path : paths) {
        ManifestEntry& entry = result.entries.emplace_back();
        entry.path = path;
        entry.identity.kind = EntryKind::file;
        entry.identity.size = 10;
        entry.identity.mtime_ns = 100 * one_second;
        if (path.ends_with('/')) {
            entry.path.pop_back();
            entry.identity.kind = EntryKind::directory;
        }
    }
    return result;
}

std::vector<TargetEntry> mirror_target(const MirrorPaths& paths) {
    std::vector<TargetEntry> result;
    for (const ManifestEntry& entry : mirror_source(paths).entries) {
        result.push_back({entry.path, {10, 100 * one_second, 1, 0, entry.identity.kind}});
    }
    return result;
}

MirrorPaths sent_paths(const MirrorDifference& difference) {
    MirrorPaths paths;
    for (const ManifestEntry* entry : difference.send) {
        paths.push_back(entry->path);
    }
    return paths;
}

}  // namespace

TEST_CASE("what is equal needs nothing") {
    const MirrorSource from = mirror_source({"d/", "d/f", "f"});
    const MirrorDifference difference = mirror_difference(from, mirror_target({"d/", "d/f", "f"}), true);
    CHECK(difference.send.empty());
    CHECK(difference.replace.empty());
    CHECK(difference.vanished.empty());
}

TEST_CASE("new entries are sent, directories first, and vanished ones are removed, contents first") {
    const MirrorSource from = mirror_source({"new/", "new/f", "stays"});
    const MirrorDifference difference =
        mirror_difference(from, mirror_target({"old/", "old/a", "old/b/", "old/b/c", "stays"}), true);
    CHECK(sent_paths(difference) == MirrorPaths{"new", "new/f"});
    CHECK(difference.replace.empty());
    CHECK(difference.vanished == MirrorPaths{"old/b/c", "old/b", "old/a", "old"});
}

TEST_CASE("a file of another size or time is sent, to the precision of the target") {
    const MirrorSource from = mirror_source({"f"});
    std::vector<TargetEntry> at = mirror_target({"f"});
    SUBCASE("another size") {
        at[0].info.size = 11;
        CHECK(sent_paths(mirror_difference(from, at, true)) == MirrorPaths{"f"});
    }
    SUBCASE("another time, older or newer") {
        for (const std::int64_t by : {-1, 1}) {
            at[0].info.mtime_ns = 100 * one_second + by;
            CHECK(sent_paths(mirror_difference(from, at, true)) == MirrorPaths{"f"});
        }
    }
    SUBCASE("a time that the target cannot tell from the source's") {
        at[0].info.mtime_ns = 99 * one_second;
        at[0].info.mtime_precision_ns = 2 * one_second;
        CHECK(sent_paths(mirror_difference(from, at, true)).empty());
    }
    SUBCASE("the target's times have 32 bits of seconds: the nearest stands for what lies beyond") {
        struct Case {
            std::int64_t source;
            std::int64_t target;
            bool same;
        };
        constexpr std::int64_t last = UINT32_MAX;
        MirrorSource beyond = mirror_source({"f"});
        at[0].info.mtime_precision_ns = one_second;
        for (const Case& one : {Case{-1000, 0, true}, Case{last + 1000, last, true}, Case{1000, 0, false},
                                Case{last - 1000, last, false}, Case{-1000, 100, false}}) {
            beyond.entries[0].identity.mtime_ns = one.source * one_second;
            at[0].info.mtime_ns = one.target * one_second;
            CHECK(mirror_difference(beyond, at, true).send.empty() == one.same);
        }
        beyond.entries[0].identity.mtime_ns = -1000 * one_second;
        at[0].info.mtime_ns = 0;
        at[0].info.mtime_precision_ns = 1;  // which is as exact as the source
        CHECK_FALSE(mirror_difference(beyond, at, true).send.empty());
    }
    SUBCASE("no times at the target: the size must do") {
        at[0].info.mtime_precision_ns = 0;
        at[0].info.mtime_ns = 0;
        CHECK(sent_paths(mirror_difference(from, at, true)).empty());
    }
    SUBCASE("the target has the times of its own writing: what is newer at the source is sent") {
        at[0].info.mtime_ns = 101 * one_second;
        CHECK(sent_paths(mirror_difference(from, at, false)).empty());
        at[0].info.mtime_ns = 99 * one_second;
        CHECK(sent_paths(mirror_difference(from, at, false)) == MirrorPaths{"f"});
    }
    SUBCASE("those are in a zone that is not known: what may be newer at the source is sent") {
        constexpr std::int64_t one_day = 86'400 * one_second;
        at[0].info.mtime_precision_ns = one_day;
        at[0].info.mtime_ns = 100 * one_second + one_day;
        CHECK(sent_paths(mirror_difference(from, at, false)).empty());
        at[0].info.mtime_ns -= one_second;
        CHECK(sent_paths(mirror_difference(from, at, false)) == MirrorPaths{"f"});
    }
}

TEST_CASE("what is of another kind gives way, with everything in it, before anything is sent") {
    const MirrorSource from = mirror_source({"a", "b/", "b/f", "z"});
    const MirrorDifference difference =
        mirror_difference(from, mirror_target({"a/", "a/in/", "a/in/f", "ab", "b", "z"}), true);
    CHECK(sent_paths(difference) == MirrorPaths{"a", "b", "b/f"});
    CHECK(difference.replace == MirrorPaths{"b", "a/in/f", "a/in", "a"});
    CHECK(difference.vanished == MirrorPaths{"ab"});
}

TEST_CASE("what may be in the middle of a change is neither sent nor deleted") {
    MirrorSource from = mirror_source({"d/", "d/new", "d/old", "kind"});
    from.unsettled = {"d/new", "d/old", "kind"};
    std::vector<TargetEntry> at = mirror_target({"d/", "d/old", "kind/", "kind/f"});
    at[1].info.size = 3;
    const MirrorDifference difference = mirror_difference(from, at, true);
    CHECK(sent_paths(difference).empty());
    CHECK(difference.replace.empty());
    CHECK(difference.vanished.empty());
}

}  // namespace mistamover::stream
