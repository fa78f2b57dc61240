// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_listing.hpp"

#include <doctest/doctest.h>

namespace mistamover::ftp {
namespace {

using std::chrono::sys_days;
using std::chrono::system_clock;

system_clock::time_point ftp_day(int year, unsigned month, unsigned day) {
    return sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)) +
           std::chrono::hours{12};
}

ListedEntry listed(std::string_view line, system_clock::time_point now = ftp_day(2026, 11, 24)) {
    const auto entry = parse_list_line(line, now);
    REQUIRE_MESSAGE(entry, std::string(line));
    return *entry;
}

std::string date_of(std::string_view line, system_clock::time_point now) {
    return format_time_value(listed(line, now).info.mtime_ns);
}

}  // namespace

TEST_SUITE_BEGIN("ftp_listing");

TEST_CASE("a Unix server's lines") {
    const ListedEntry file = listed("-rw-r--r--    1 owner    group        1234 Nov 24 10:05 name");
    CHECK(file.name == "name");
    CHECK(file.info.kind == EntryKind::file);
    CHECK(file.info.size == 1234);
    CHECK(file.info.mode == 0644);
    CHECK(format_time_value(file.info.mtime_ns) == "20261124100500");
    CHECK(listed("drwxr-xr-x 2 0 0 4096 Jan  5  2024 a dir").info.kind == EntryKind::directory);
    CHECK(listed("drwxr-xr-x 2 0 0 4096 Jan  5  2024 a dir").name == "a dir");
    const ListedEntry link = listed("lrwxrwxrwx 1 o g 7 Nov  1 00:00 link -> target");
    CHECK(link.info.kind == EntryKind::symlink);
    CHECK(link.name == "link");
    CHECK(listed("prw-r--r-- 1 o g 0 Nov  1 00:00 fifo").info.kind == EntryKind::other);
    CHECK(listed("-rw-r--r-- 1 owner 1234 Nov 24 10:05 no group").info.size == 1234);
    CHECK(listed("-rw-r--r--+ 1 o g 99999999999 Nov 24 10:05 acl").info.size == 99999999999);
}

TEST_CASE("blanks in names stay, and names may look like dates and links") {
    CHECK(listed("-rw-r--r-- 1 o g 5 Nov 24 10:05  leading and trailing ").name == " leading and trailing ");
    CHECK(listed("-rw-r--r-- 1 o g 5 Nov 24  2025  leading").name == " leading");
    CHECK(listed("-rw-r--r-- 1 o g 5 Nov 24 10:05 6 Dec 25 11:06 x").name == "6 Dec 25 11:06 x");
    CHECK(listed("-rw-r--r-- 1 o g 5 Nov 24 10:05 a -> b").name == "a -> b");
    CHECK(listed("-rw-r--r-- 1 o g 5 Nov 24 10:05 \xff\xfe").name == "\xff\xfe");
}

TEST_CASE("a date without a year is the last such day") {
    CHECK(date_of("-rw-r--r-- 1 o g 5 Nov 24 10:05 x", ftp_day(2026, 11, 24)) == "20261124100500");
    CHECK(date_of("-rw-r--r-- 1 o g 5 Dec 31 10:05 x", ftp_day(2027, 1, 1)) == "20261231100500");
    CHECK(date_of("-rw-r--r-- 1 o g 5 Jan  1 10:05 x", ftp_day(2026, 6, 30)) == "20260101100500");
    CHECK(date_of("-rw-r--r-- 1 o g 5 Aug 30 10:05 x", ftp_day(2027, 2, 20)) == "20260830100500");
    CHECK(date_of("-rw-r--r-- 1 o g 5 Feb 29 10:05 x", ftp_day(2028, 5, 1)) == "20280229100500");
    // The server's clock or zone may be ahead, over the end of the year too.
    CHECK(date_of("-rw-r--r-- 1 o g 5 Nov 25 10:05 x", ftp_day(2026, 11, 24)) == "20261125100500");
    CHECK(date_of("-rw-r--r-- 1 o g 5 Jan  1 03:00 x", ftp_day(2026, 12, 31)) == "20270101030000");
    CHECK(date_of("-rw-r--r-- 1 o g 5 Nov 26 23:05 x", ftp_day(2026, 11, 24)) == "20251126230500");
}

TEST_CASE("a Windows server's lines") {
    const ListedEntry file = listed("11-24-26  04:05PM                 1234 a name.txt");
    CHECK(file.name == "a name.txt");
    CHECK(file.info.size == 1234);
    CHECK(format_time_value(file.info.mtime_ns) == "20261124160500");
    CHECK(format_time_value(listed("11-24-2026  12:05AM  5 x").info.mtime_ns) == "20261124000500");
    CHECK(format_time_value(listed("11-24-98  12:05PM  5 x").info.mtime_ns) == "19981124120500");
    const ListedEntry directory = listed("11-24-26  04:05PM       <DIR>          sub dir");
    CHECK(directory.name == "sub dir");
    CHECK(directory.info.kind == EntryKind::directory);
}

TEST_CASE("what is not understood") {
    for (const char* line : {"", "total 5", "nonsense", "-rw-r--r-- 1 o g 5 Foo 24 10:05 x",
                             "-rw-r--r-- 1 o g 5 Nov 24", "11-24-26  04:05PM", "13-24-26  04:05PM  5 x",
                             "-rw-r--r-- 1 o g 5 Nov 31 2025 x", "-rw-r--r-- 1 o g 5 Nov 24 10:05 "}) {
        CHECK_MESSAGE(!parse_list_line(line, ftp_day(2026, 11, 24)), line);
    }
}

TEST_CASE("a listing is all there, or not understood") {
    const std::string start =
        "total 8\r\ndrwxr-xr-x 2 0 0 4096 Jan  5  2024 .\r\ndrwxr-xr-x 2 0 0 4096 Jan  5  2024 ..\r\n";
    const std::string file = "-rw-r--r-- 1 o g 5 Nov 24  2025 x\r\n";
    const Listing whole = read_list(start + file, ftp_day(2026, 11, 24));
    CHECK(whole.shows_itself);
    CHECK_FALSE(whole.unreadable);
    REQUIRE(whole.entries.size() == 1);
    CHECK(whole.entries.front().name == "x");
    CHECK(read_list(start + "ls: x: denied\r\n" + file, ftp_day(2026, 11, 24)).unreadable == "ls: x: denied");
    CHECK(read_list(start + "-rw-r--r-- 1 o g 5 Nov 24  2025 a/x\n", ftp_day(2026, 11, 24)).unreadable);
    CHECK_FALSE(read_list(file, ftp_day(2026, 11, 24)).shows_itself);
    const Listing facts = read_mlsd("type=cdir; /a\r\ntype=pdir; /\r\ntype=file;size=5; x\r\n");
    CHECK(facts.shows_itself);
    CHECK_FALSE(facts.unreadable);
    REQUIRE(facts.entries.size() == 1);
    CHECK(facts.entries.front().name == "x");
    CHECK(read_mlsd("type=file;size=5; x\r\nx\r\n").unreadable == "x");
    // What stands behind such a line is there nevertheless.
    const Listing broken = read_mlsd("type=file;size=5; a\r\nb\r\nc\r\ntype=file;size=5; x\r\n");
    CHECK(broken.unreadable == "b\nc");
    REQUIRE(broken.entries.size() == 2);
    CHECK(broken.entries.back().name == "x");
}

TEST_CASE("a server that reports success may say that it has not listed everything") {
    CHECK(lists_everything({226, {"Directory send OK."}}));
    CHECK_FALSE(lists_everything({226, {"Transfer done (but failed to open directory)."}}));
    CHECK_FALSE(lists_everything({226, {"Output truncated to 2000 matches", "2000 matches total"}}));
    CHECK_FALSE(lists_everything({550, {"no"}}));
}

TEST_CASE("MLSD lines") {
    const auto entry = parse_mlsd_line("modify=20261124160500.5;Type=file;SIZE=12;UNIX.mode=0640;  a; b");
    REQUIRE(entry);
    CHECK(entry->name == " a; b");
    CHECK(entry->info.kind == EntryKind::file);
    CHECK(entry->info.size == 12);
    CHECK(entry->info.mode == 0640);
    CHECK(format_time_value(entry->info.mtime_ns) == "20261124160500");
    CHECK(parse_mlsd_line("type=dir; d")->info.kind == EntryKind::directory);
    CHECK(parse_mlsd_line("type=OS.unix=symlink; l")->info.kind == EntryKind::symlink);
    for (const char* line : {"size=5; x", "type=file;x", "", "type=file;size=many; x", "type=file; "}) {
        CHECK_MESSAGE(!parse_mlsd_line(line), line);
    }
    CHECK(parse_mlsd_line("type=cdir; /a")->name == ".");
    CHECK(parse_mlsd_line("type=pdir; /")->name == "..");
    CHECK(parse_mlst_facts("type=cdir;modify=20261124160500; /a")->kind == EntryKind::directory);
}

TEST_CASE("time values") {
    CHECK(parse_time_value("19700101000001") == 1'000'000'000);
    CHECK(format_time_value(-1) == "19691231235959");
    for (const char* bad : {"", "2026112416050", "20261324160500", "20261124250500", "x0261124160500"}) {
        CHECK_MESSAGE(!parse_time_value(bad), bad);
    }
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
