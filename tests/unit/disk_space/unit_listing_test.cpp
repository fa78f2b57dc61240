// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_listing.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;
namespace fs = std::filesystem;

namespace {

std::set<std::string> names_of(UnitListing& listing) {
    std::set<std::string> names;
    for (const Unit& unit : listing.units()) {
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
    for (const Unit& unit : listing.units()) {
        CHECK(unit.directory == (unit.name == "dir"));
        CHECK(unit.gain.bytes == 0);  // to delete a file that has another name frees nothing
        CHECK(unit.place == UnitPlace::data);
    }
    fs::remove(scratch / "linked");
    listing.forget();
    const auto& units = listing.units();
    const auto unit =
        std::find_if(units.begin(), units.end(), [](const Unit& u) { return u.name == "unit"; });
    CHECK(unit->gain.inodes == 1);
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
    const Unit before = listing.units().front();
    write_file(scratch / "unit", "more");
    listing.forget();
    REQUIRE(listing.units().size() == 1);
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
    CHECK(listing.units().empty());
    write_file(scratch / "later" / "unit", "");
    CHECK(listing.units().size() == 1);
    fs::remove_all(scratch / "later");
    CHECK(listing.units().empty());
}

}  // namespace mistamover::test
