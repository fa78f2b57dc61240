// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/mount_table.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;

namespace {

// A table in which links can be followed where the test makes them: on a file system of this host.
struct MountedSite {
    // Something that is mounted: its id, its parent's and its device; the mount point below the scratch
    // directory; the type.
    struct Line {
        std::string ids;
        std::string point;
        std::string type;
    };
    [[nodiscard]] std::string table(const std::vector<Line>& lines,
                                    const std::string& root_type = "ext4") const {
        std::string text = "1 9 8:1 / / rw shared:1 master:2 - " + root_type + " /dev/sda1 rw\n";
        for (const Line& line : lines) {
            text += line.ids + " / " + (scratch / line.point).string() + " rw - " + line.type + " x rw\n";
        }
        return text;
    }
    Scratch scratch;
};

std::string device_at(const MountTable& table, const std::filesystem::path& directory) {
    const Mount* mount = table.of(directory);
    return mount == nullptr ? "none" : mount->device;
}

}  // namespace

TEST_CASE("the kernel's list of mounts is understood, odd names included") {
    const std::vector<Mount> mounts = parse_mounts(
        "21 1 8:1 / / rw,relatime shared:1 master:3 - ext4 /dev/sda1 rw\n"
        "nonsense\n"
        "35 21 0:42 /sub /mnt/a\\040b\\134c rw - tmpfs tmpfs rw\n");
    REQUIRE(mounts.size() == 2);
    CHECK(mounts[0].id == 21);
    CHECK(mounts[0].parent == 1);
    CHECK(mounts[0].device == "8:1");
    CHECK(mounts[0].point == "/");
    CHECK(mounts[0].type == "ext4");
    CHECK(mounts[1].id == 35);
    CHECK(mounts[1].point == "/mnt/a b\\c");
    CHECK(mounts[1].type == "tmpfs");
}

TEST_CASE("a directory lies on the nearest mount above it, and on what covers that") {
    const MountedSite site;
    const MountTable table(site.table({{"2 1 8:2", "a", "ext4"},
                                       {"3 2 8:3", "a/b", "ext4"},
                                       {"4 1 8:4", "c/d", "ext4"},
                                       {"5 1 8:5", "c", "ext4"},
                                       {"6 5 8:6", "c", "nfs"}}));
    CHECK(device_at(table, site.scratch / "x") == "8:1");
    CHECK(device_at(table, site.scratch / "ab") == "8:1");
    CHECK(device_at(table, site.scratch / "a") == "8:2");
    CHECK(device_at(table, site.scratch / "a/not/made/") == "8:2");
    CHECK(device_at(table, site.scratch / "a/b/x/../..") == "8:2");
    CHECK(device_at(table, site.scratch / "a/./b//x") == "8:3");
    CHECK(device_at(table, site.scratch / "c/d") == "8:6");  // covered: what lies at d there is not seen
    CHECK(device_at(MountTable(""), site.scratch / "x") == "none");
    CHECK(device_at(MountTable("1 1 8:1 / / rw - ext4 x rw\n"), "/x") == "8:1");
}

TEST_CASE("links are followed, those into what is not mounted yet, too, but none that nobody may tell of") {
    namespace fs = std::filesystem;
    const MountedSite site;
    fs::create_directories(site.scratch / "silent");
    fs::create_directories(site.scratch / "sub");
    fs::create_symlink(site.scratch / "a/not/made", site.scratch / "absolute");
    fs::create_symlink("../a", site.scratch / "sub/relative");
    fs::create_symlink("loop", site.scratch / "loop");
    fs::create_symlink(site.scratch / "a", site.scratch / "silent/link");
    const std::vector<MountedSite::Line> mounted{{"2 1 8:2", "a", "ext4"}};
    const MountTable table(site.table(mounted));
    CHECK(device_at(table, site.scratch / "absolute/x") == "8:2");
    CHECK(device_at(table, site.scratch / "sub/relative") == "8:2");
    CHECK(device_at(table, site.scratch / "loop") == "none");
    CHECK(device_at(table, site.scratch / "silent/link/x") == "8:2");

    for (const char* type : {"nfs4", "fuse.sshfs", "something.new"}) {
        const MountTable with_silent(site.table({mounted.front(), {"3 1 0:9", "silent", type}}));
        CHECK(device_at(with_silent, site.scratch / "silent/link/x") == "0:9");
    }
    const MountTable below_silent(
        site.table({{"3 1 0:9", "silent", "nfs4"}, {"4 3 8:4", "silent/own", "ext4"}}));
    CHECK(device_at(below_silent, site.scratch / "silent/own/x") == "8:4");
}

TEST_CASE("links are followed whatever the root directory is on, but not on another of that kind") {
    namespace fs = std::filesystem;
    const MountedSite site;
    fs::create_directories(site.scratch / "silent");
    fs::create_symlink("a", site.scratch / "link");
    fs::create_symlink(site.scratch / "a", site.scratch / "silent/link");
    for (const char* type : {"nfs4", "virtiofs", "overlay", "fuse.fuse-overlayfs"}) {
        INFO(type);
        const MountTable table(site.table({{"2 1 8:2", "a", "ext4"}, {"3 1 0:9", "silent", "nfs4"}}, type));
        CHECK(device_at(table, site.scratch / "link/x") == "8:2");
        CHECK(device_at(table, site.scratch / "silent/link/x") == "0:9");
    }
}

TEST_CASE("where something is mounted only for who asks it is not known what lies there") {
    const MountedSite site;
    const MountTable waiting(site.table({{"2 1 0:9", "auto", "autofs"}}));
    CHECK(device_at(waiting, site.scratch / "auto/x") == "none");
    const MountTable mounted(site.table({{"2 1 0:9", "auto", "autofs"}, {"3 2 8:3", "auto/x", "ext4"}}));
    CHECK(device_at(mounted, site.scratch / "auto/x") == "8:3");
}

TEST_CASE("the kernel says the same of what is mounted here") {
    const MountTable table;
    const Scratch scratch;
    for (const std::filesystem::path& directory :
         {scratch.path(), scratch / "not/made", std::filesystem::path("/proc/x"),
          std::filesystem::path("/")}) {
        const Mount* asked = table.asked_for(directory);
        REQUIRE(asked != nullptr);
        CHECK(device_at(table, directory) == asked->device);
    }
}

}  // namespace mistamover::test
