// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>
#include <random>

#include "faulty_site.hpp"
#include "small_disk.hpp"
#include "unzip.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const std::string zips = "directories: zip, retry_count: 2, retry_delay: 20ms";

void make_tree(const fs::path& directory) {
    for (const std::string name : {"plain", "with space", "new\nline", "*?[glob]", "-dash", "~tilde"}) {
        write_file(directory / name, "content of " + name);
        write_file(directory / "in" / name / "file", "below " + name);
    }
    fs::create_directories(directory / "empty");
}

// Which cannot be compressed.
std::string noise(std::size_t bytes) {
    std::mt19937_64 random(1);
    std::string made(bytes, '\0');
    std::generate(made.begin(), made.end(), [&] { return static_cast<char>(random()); });
    return made;
}

}  // namespace

TEST_SUITE_BEGIN("zip");

TEST_CASE("a directory arrives as a zip file that holds all of it, and goes once that is proved") {
    const std::string strange = "a tree\nof *";
    for (const fs::path& parent : {fs::temp_directory_path(), fs::path("/dev/shm")}) {
        Site site(parent);
        for (const std::string verify : {"size", "checksum"}) {
            site.add_stream(verify, zips + ", verify: " + verify);
            make_tree(site.source(verify) / strange);
            write_file(site.source(verify) / "file", "a file is sent as it is");
        }
        const auto before = contents_below(site.source("size") / strange);
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output);
        for (const char* verify : {"size", "checksum"}) {
            CHECK(names_in(site.target(verify)) == Names{strange + ".zip", "file"});
            CHECK(names_in(site.source(verify)).empty());
            const Scratch out;
            REQUIRE(unzip(site.target(verify) / (strange + ".zip"), out.path()));
            CHECK(contents_below(out / strange) == before);
        }
    }
}

TEST_CASE("a directory and a file that would have one name at the target never replace each other") {
    Site site;
    site.add_stream("p", zips);
    write_file(site.source() / "a/file", "in the directory");
    write_file(site.source() / "a.zip", "not that directory");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK(read_file(site.target() / "a.zip") == "not that directory");
    CHECK(read_file(site.source() / "quarantine/a/file") == "in the directory");
    CHECK(names_in(site.source()) == Names{"quarantine"});
    CHECK_MESSAGE(result.output.find("a cannot be sent as a.zip while there is another unit of that name") !=
                      std::string::npos,
                  result.output);
}

TEST_CASE("a directory that does not fit into a zip file goes to the quarantine as it is") {
    Site site;
    site.add_stream("p", zips + ", settle_time: 10ms");
    write_file(site.source() / "linked/file", "x");
    fs::create_symlink("file", site.source() / "linked/link");
    write_file(site.source() / "named/back\\slash", "y");
    write_file(site.source() / std::string(253, 'n') / "file", "the name is too long with .zip");
    CHECK(site.one_off().exit_code == 1);
    CHECK(names_in(site.target()).empty());
    const fs::path quarantine = site.source() / "quarantine";
    CHECK(names_in(quarantine) == Names{"linked", "named", std::string(253, 'n')});
    CHECK(fs::is_symlink(quarantine / "linked/link"));
    CHECK(read_file(quarantine / "named/back\\slash") == "y");
    CHECK(site.log("dtc_p").find("use outgoing.directories: tree") != std::string::npos);
}

TEST_CASE("a zip file that did not arrive whole proves nothing") {
    FaultySite site;
    const std::vector<std::string> deeds{"lie", "truncate", "corrupt", "silent"};
    for (const std::string& deed : deeds) {
        site.add_faulty_stream(zips + ", verify: checksum", "", deed);
        site.set_faults("put d.zip " + deed + '\n', deed);
        make_tree(site.source(deed) / "d");
    }
    const auto before = contents_below(site.source("lie") / "d");
    CHECK(site.one_off().exit_code == 1);
    for (const std::string& deed : deeds) {
        CAPTURE(deed);
        CHECK(contents_below(site.source(deed) / "quarantine/d") == before);
        CHECK(names_in(site.source(deed)) == Names{"quarantine"});
    }
}

TEST_CASE("a directory that changes before it is zipped to its end is zipped anew, and only that is sent") {
    FaultySite site;
    site.add_faulty_stream(zips + ", parallel_transfers: 1");
    write_file(site.source() / "d/a", "a");
    write_file(site.source() / "file", "goes first, when the directory has been looked at");
    site.set_faults("first put file change d/c\nput d.zip note\n");
    // Both are in one batch where the directory, too, is ready from the start: 2 s after its last change.
    const auto made = std::chrono::system_clock::now();
    REQUIRE(eventually([&] { return std::chrono::system_clock::now() - made > std::chrono::seconds{2}; }));
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output);
    CHECK(site.uses() == 2);
    CHECK(site.log("dtc_p").find("d changed while it was being sent") != std::string::npos);
    const Scratch out;
    REQUIRE(unzip(site.target() / "d.zip", out.path()));
    CHECK(read_file(out / "d/c") == ", appended");
    CHECK(names_in(site.source()).empty());
}

TEST_CASE("a directory over dir_size_limit goes to the quarantine, zipped or not") {
    Site site;
    for (const std::string form : {"zip", "tree"}) {
        site.add_stream(form, "directories: " + form + ", dir_size_limit: 1000B");
        write_file(site.source(form) / "large/file", std::string(1001, 'x'));
        write_file(site.source(form) / "small/file", std::string(1000, 'x'));
    }
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK(names_in(site.target("zip")) == Names{"small.zip"});
    CHECK(names_in(site.target("tree")) == Names{"small"});
    for (const char* form : {"zip", "tree"}) {
        CHECK(read_file(site.source(form) / "quarantine/large/file").size() == 1001);
    }
    CHECK_MESSAGE(result.output.find("large is over dir_size_limit") != std::string::npos, result.output);
}

TEST_CASE("a directory whose zip file has no room waits for it, and nothing else does") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p", zips + ", parallel_transfers: 1");
    constexpr unsigned disk_megabytes = 64;
    const SmallDisk disk(site.source(), disk_megabytes);
    write_file(site.source() / "small/file", "x");
    write_file(site.source() / "file", "y");
    write_file(site.source() / "large/file", noise(35'000'000));
    // As long as the disk, of holes, which take no room themselves: it would not fit if it were noise.
    write_file(site.source() / "compressible/file", "");
    fs::resize_file(site.source() / "compressible/file", disk.total_bytes());
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(
        result.output.find("left large: there is no room in the stream's directory") != std::string::npos,
        result.output);
    CHECK(names_in(site.target()) == Names{"compressible.zip", "file", "small.zip"});
    CHECK(names_in(site.source()) == Names{"large"});
    CHECK_MESSAGE(count_of("] ERROR ", site.log("dtc_p")) == 1, site.log("dtc_p"));
    CHECK(site.log("dtc_p").find("large: there is no room in") != std::string::npos);
}

TEST_CASE("where the target cannot place a tree at once, directories are sent as zip files unasked") {
    FaultySite site;
    site.add_faulty_stream("", "without: [rename]");
    write_file(site.source() / "d/file", "x");
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == Names{"d.zip"});
}

TEST_CASE("what the target cannot do ends the stream at its start, and the alternative is named") {
    struct Example {
        std::string outgoing;
        std::string without;
        std::string alternative;
    };
    const Example examples[] = {
        {"verify: checksum", "checksum", "set outgoing.verify: size"},
        {"", "publish_rename", "set outgoing.publish: direct"},
        {"directories: tree", "rename", "set outgoing.directories: zip"},
        {"transfer_mode: mirror", "list", "set outgoing.transfer_mode: move"},
        {"transfer_mode: mirror", "remove", "set outgoing.mirror_delete: false"},
    };
    for (const Example& example : examples) {
        CAPTURE(example.without);
        FaultySite site;
        site.add_faulty_stream(example.outgoing, "without: [" + example.without + ']');
        write_file(site.source() / "file", "x");
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find(example.alternative) != std::string::npos, result.output);
        CHECK(count_of("] CRITICAL ", site.log("dtc_p")) == 1);
        CHECK(names_in(site.target()).empty());
        CHECK(read_file(site.source() / "file") == "x");
    }
}

TEST_CASE("only what is included is sent, and of that not what is excluded") {
    Site site;
    site.add_stream("p", "include: ['*.dat', 'd?'], exclude: ['no*']");
    for (const char* name : {"a.dat", "no.dat", "other", "d1/anything", "d22/file"}) {
        write_file(site.source() / name, "x");
    }
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == Names{"a.dat", "d1"});
    CHECK(names_in(site.source()) == Names{"d22", "no.dat", "other"});
}

TEST_SUITE_END();

}  // namespace mistamover::test
