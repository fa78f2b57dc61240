// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_listing.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>
#include <vector>

#include "files/handshake_name.hpp"
#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;
namespace fs = std::filesystem;

namespace {

const std::vector<Unit>& units_of(UnitListing& listing) {
    REQUIRE(listing.list([] { return true; }));
    return listing.units();
}

std::set<std::string> names_of(UnitListing& listing) {
    std::set<std::string> names;
    for (const Unit& unit : units_of(listing)) {
        names.insert(unit.name);
    }
    return names;
}

}  // namespace

TEST_CASE("units are what may be sent: no dot-file, not the quarantine, not excluded, not in the handshake") {
    const Scratch scratch;
    for (const char* name :
         {"unit", "sent", ".hidden", ".sent.ctrl", "other.tmp", "quarantine/kept", "dir/file"}) {
        write_file(scratch / name, "12345");
    }
    fs::create_hard_link(scratch / "unit", scratch / "linked");
    UnitListing listing(scratch.path(), UnitPlace::data,
                        {scratch.path(), scratch / "quarantine", {}, {"*.tmp"}}, "ctrl");
    CHECK(names_of(listing) == std::set<std::string>{"unit", "linked", "dir"});
    for (const Unit& unit : units_of(listing)) {
        CHECK(unit.directory == (unit.name == "dir"));
        CHECK(unit.gain.bytes == 0);  // to delete a file that has another name frees nothing
        CHECK(unit.place == UnitPlace::data);
    }
    fs::remove(scratch / "linked");
    listing.forget();
    const auto& units = units_of(listing);
    const auto unit =
        std::find_if(units.begin(), units.end(), [](const Unit& u) { return u.name == "unit"; });
    CHECK(unit->gain.inodes == 1);
}

TEST_CASE(
    "a directory that is sent as a zip file is in the handshake, and so is a unit of the longest name") {
    const Scratch scratch;
    const std::string extension = "stager-ctrl-bss";
    const std::string ending = '.' + extension;
    const std::string longest(255, 'n');
    const std::string other(254, 'n');
    const std::string just_whole(255 - 2 - extension.size(), 'w');
    for (const std::string& name : {longest, other, just_whole}) {
        write_file(scratch / name, "12345");
    }
    const std::string long_directory(250, 'd');
    for (const std::string& name : {std::string("tree"), std::string("stays"), long_directory}) {
        write_file(scratch / name / "file", "12345");
    }
    write_file(scratch / "file", "12345");
    for (const std::string& data_name :
         {longest, just_whole, std::string("tree.zip"), std::string("file.zip"), long_directory + ".zip"}) {
        write_file(scratch / files::handshake_name(data_name, ending), "");
    }
    UnitListing listing(scratch.path(), UnitPlace::data, {}, extension);
    CHECK(names_of(listing) == std::set<std::string>{other, "stays", "file"});
}

TEST_CASE("every change of the directory is seen, also one that follows a listing at once") {
    const Scratch scratch;
    UnitListing listing(scratch.path(), UnitPlace::data, {}, "");
    std::set<std::string> there;
    for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(i);
        write_file(scratch / name, name);
        there.insert(name);
        REQUIRE(names_of(listing) == there);
    }
    CHECK(names_of(listing) == there);
}

TEST_CASE("what becomes of a unit is seen after forget, names that come and go at once") {
    const Scratch scratch;
    write_file(scratch / "unit", "");
    UnitListing listing(scratch.path(), UnitPlace::data, {}, "");
    const Unit before = units_of(listing).front();
    write_file(scratch / "unit", "more");
    listing.forget();
    REQUIRE(units_of(listing).size() == 1);
    CHECK(listing.units().front().inode == before.inode);
    CHECK(listing.units().front().gain.bytes > before.gain.bytes);
    write_file(scratch / "other", "");
    CHECK(names_of(listing) == std::set<std::string>{"other", "unit"});
    fs::remove(scratch / "unit");
    CHECK(names_of(listing) == std::set<std::string>{"other"});
}

TEST_CASE("a directory that is not there has no units, and may come") {
    const Scratch scratch;
    UnitListing listing(scratch / "later", UnitPlace::arrivals, {}, "");
    CHECK(units_of(listing).empty());
    write_file(scratch / "later" / "unit", "");
    CHECK(units_of(listing).size() == 1);
    fs::remove_all(scratch / "later");
    CHECK(units_of(listing).empty());
}

TEST_CASE("a listing goes on where the time was over, and tells nothing before it is whole") {
    const Scratch scratch;
    std::set<std::string> there;
    for (int i = 0; i < 200; ++i) {
        const std::string name = "unit" + std::to_string(i);
        write_file(scratch / name, "");
        write_file(scratch / ('.' + name + ".ctrl"), "");
        if (i % 2 == 0) {
            fs::remove(scratch / ('.' + name + ".ctrl"));
            there.insert(name);
        }
    }
    UnitListing listing(scratch.path(), UnitPlace::data, {}, "ctrl");
    int steps = 1;
    while (!listing.list([] { return false; })) {
        CHECK(listing.is_under_way());
        CHECK(listing.units().empty());
        ++steps;
    }
    CHECK(steps > 2);
    CHECK_FALSE(listing.is_under_way());
    CHECK(listing.units().size() == there.size());
    CHECK(names_of(listing) == there);

    write_file(scratch / "another", "");
    CHECK_FALSE(listing.list([] { return false; }));
    listing.forget();
    there.insert("another");
    CHECK(names_of(listing) == there);
}

TEST_CASE("where many units have gone, those that stay are known all the same") {
    const Scratch scratch;
    for (int i = 0; i < 400; ++i) {
        write_file(scratch / std::to_string(i), "");
    }
    UnitListing listing(scratch.path(), UnitPlace::data, {}, "");
    const std::vector<Unit> before = units_of(listing);
    REQUIRE(before.size() == 400);
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (i < 200) {
            fs::remove(scratch / before[i].name);
        } else {
            write_file(scratch / before[i].name, "more");  // who looks at it sees that
        }
    }
    std::size_t looked_at = 0;
    for (const Unit& unit : units_of(listing)) {
        looked_at += unit.gain.bytes > 0 ? 1 : 0;
    }
    CHECK(listing.units().size() == 200);
    CHECK(looked_at < 100);
}

}  // namespace mistamover::test
