// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_output.hpp"

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "rsync/mirror_filter.hpp"

namespace mistamover::rsync {

using namespace std::string_literals;

TEST_CASE("escapes are undone, and nothing else is") {
    CHECK(unescaped("new\\#012line") == "new\nline");
    CHECK(unescaped("back\\#134#012slash") == "back\\#012slash");
    CHECK(unescaped("\\#12") == "\\#12");
    CHECK(unescaped("\\#089") == "\\#089");
    CHECK(unescaped("\\#400") == "\\#400");
    CHECK(unescaped("\\#377\xfe\\") == "\xff\xfe\\");
}

TEST_CASE("lines are put together from pieces") {
    std::vector<std::string> lines;
    LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
    for (const char* piece : {"a", "b\nc\n\nd", "e\nrest"}) {
        splitter.feed(piece);
    }
    CHECK(lines == std::vector<std::string>{"ab", "c", "", "de"});
}

TEST_CASE("an itemised line tells what became of which entry") {
    const auto sent = parse_item_line("<f+++++++++ 12  a  b ");
    REQUIRE(sent);
    CHECK(sent->what == ItemLine::What::sent);
    CHECK(sent->size == 12);
    CHECK(sent->path == " a  b ");
    CHECK(parse_item_line("cd+++++++++ 4096 tree/a/")->path == "tree/a");
    CHECK(parse_item_line("cL+++++++++ 6 link")->what == ItemLine::What::created);
    CHECK(parse_item_line(".f          1 x")->what == ItemLine::What::unchanged);
    CHECK(parse_item_line("*deleting   0 gone/")->what == ItemLine::What::removed);
    CHECK(parse_item_line("*deleting   0 gone/")->path == "gone");
}

TEST_CASE("other lines are no items") {
    for (const char* line :
         {"", "sending incremental file list", "cannot delete non-empty directory: x", "<f+++++++++",
          "<f+++++++++ x name", "<f+++++++++ 5", "skipping non-regular file \"x\"", "?f+++++++++ 5 x"}) {
        CHECK_MESSAGE(!parse_item_line(line), line);
    }
}

TEST_CASE("a listed line tells kind, size, time, permissions and name") {
    const auto file = parse_list_line("-rwsr-x--T      12345678901 2026/11/24 15:36:16  a -> b ");
    REQUIRE(file);
    CHECK(file->info.kind == EntryKind::file);
    CHECK(file->info.size == 12'345'678'901);
    CHECK(file->info.mtime_ns == 1'795'534'576'000'000'000);
    CHECK(file->info.mtime_precision_ns == 1'000'000'000);
    CHECK(file->info.mode == 05750);
    CHECK(file->path == " a -> b ");
    CHECK(parse_list_line("drwxr-xr-x        4096 1969/12/31 23:59:59 d")->info.mtime_ns == -1'000'000'000);
    CHECK(parse_list_line("drwxr-xr-x        4096 2026/11/24 15:36:16 d")->info.kind == EntryKind::directory);
    CHECK(parse_list_line("lrwxrwxrwx           6 2026/11/24 15:36:16 l")->info.kind == EntryKind::symlink);
    CHECK(parse_list_line("prw-r--r--           0 2026/11/24 15:36:16 p")->info.kind == EntryKind::other);
    CHECK(parse_list_line("-rw-r--r--+          1 2026/11/24 15:36:16 acl")->path == "acl");
}

TEST_CASE("a listed file is there whatever its time, which may be one that cannot be told") {
    for (const char* time :
         {"12026/11/24 15:36:1", "318857/05/20 17:46:", " 999/01/02 03:04:05", "  -1/12/31 00:00:00",
          "(time out of range)", "12026/11/24 15:36:16", "999/01/02 03:04:05"}) {
        CAPTURE(time);
        const auto file = parse_list_line("-rw-r--r--              12 " + std::string(time) + " old and new");
        REQUIRE(file);
        CHECK(file->path == "old and new");
        CHECK(file->info.size == 12);
        CHECK(file->info.mtime_precision_ns == 0);
    }
}

TEST_CASE("other lines are no entries") {
    for (const char* line :
         {"", "receiving file list ... done", "-rw-r--r--", "-rw-r--r--    1,234 2026/11/24 15:36:16 x",
          "-rw-r--r--    1 2026/11/24 x", "-rw-r--r--    1 2026/11/24 15:36:16"}) {
        CHECK_MESSAGE(!parse_list_line(line), line);
    }
}

TEST_CASE("filter rules protect what the request excludes, by its very name") {
    MirrorRequest request;
    const std::string_view excluded[] = {"plain\\x", "*?[\\"};
    const std::string_view globs[] = {"**.tmp"};
    const std::string_view included[] = {"*.dat"};
    request.excluded = excluded;
    CHECK(filter_rules(request) == "- /plain\\x\0- /\\*\\?\\[\\\\\0- /.*\0+ *\0"s);
    request.excluded = {};
    request.excluded_globs = globs;
    request.included_globs = included;
    CHECK(filter_rules(request) == "- /.*\0- /*.tmp\0+ /*.dat\0- /*\0+ *\0"s);
}

TEST_CASE("removal rules risk what is at the paths, by its very name, and nothing else") {
    const std::vector<std::string_view> paths{"plain\\x", "d/*?[\\\n"};
    CHECK(removal_rules(paths) == "R /plain\\x\0R /d/\\*\\?\\[\\\\\n\0"s);
}

}  // namespace mistamover::rsync
