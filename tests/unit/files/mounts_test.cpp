// SPDX-License-Identifier: BSD-3-Clause
#include "files/mounts.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::files {
namespace {

struct Tables {
    Tables() {
        test::write_file(scratch / "mounted",
                         "/dev/sdb1 /data ext4 rw 0 0\n"
                         "/dev/root / ext4 rw 0 0\n"
                         "tmpfs /data/with\\040blank tmpfs rw 0 0\n");
        test::write_file(scratch / "wanted",
                         "# a comment\n"
                         "/dev/root / ext4 defaults 0 1\n"
                         "/dev/sdb1 /data ext4 defaults 0 2\n"
                         "/dev/sdc1 /archive/ ext4 nofail 0 2\n"
                         "/dev/sdf1 /data/disk2 ext4 nofail 0 2\n"
                         "/dev/sdg1 /data//with\\040blank/ ext4 nofail 0 2\n"
                         "/dev/sdh1 /data/at/will ext4 noauto 0 2\n"
                         "/dev/sdd1 /stick ext4 user,noauto 0 0\n"
                         "/dev/sde1 none swap sw 0 0\n");
    }
    test::Scratch scratch;
    MountTables tables{scratch / "mounted", scratch / "wanted"};
};

}  // namespace

TEST_CASE("a directory is on the nearest mount on the way to it, and on the last of several there") {
    const Tables site;
    CHECK(mount_of("/home/x", site.tables) == "/dev/root on /");
    CHECK(mount_of("/data", site.tables) == "/dev/sdb1 on /data");
    CHECK(mount_of("/database", site.tables) == "/dev/root on /");
    CHECK(mount_of("/data/with blank/x", site.tables) == "tmpfs on /data/with blank");
    test::write_file(site.tables.mounted, test::read_file(site.tables.mounted) + "other /data nfs rw 0 0\n");
    CHECK(mount_of("/data/x", site.tables) == "other on /data");
    CHECK(mount_of("/data", {site.scratch / "none", site.scratch / "none"}).empty());
}

TEST_CASE("what is to be mounted at the start, and is not, is missed by all that lies in it") {
    const Tables site;
    CHECK(missing_mount("/archive", site.tables) == std::filesystem::path("/archive"));
    CHECK(missing_mount("/archive/a/b", site.tables) == std::filesystem::path("/archive"));
    CHECK_FALSE(missing_mount("/archives", site.tables).has_value());
    CHECK_FALSE(missing_mount("/data/x", site.tables).has_value());
    CHECK_FALSE(missing_mount("/stick/x", site.tables).has_value());
    CHECK_FALSE(missing_mount("/archive", {site.scratch / "none", site.tables.wanted}).has_value());
    CHECK_FALSE(missing_mount("/archive", {site.tables.mounted, site.scratch / "none"}).has_value());
}

TEST_CASE("what is to be mounted in a directory, and is not, is told, at any depth") {
    const Tables site;
    using Paths = std::vector<std::filesystem::path>;
    CHECK(missing_mounts_below("/data", site.tables) == Paths{"/data/disk2"});
    CHECK(missing_mounts_below("/", site.tables) == Paths{"/archive", "/data/disk2"});
    CHECK(missing_mounts_below("/data/disk2", site.tables).empty());
    CHECK(missing_mounts_below("/dat", site.tables).empty());
    CHECK(missing_mounts_below("/data", {site.scratch / "none", site.tables.wanted}).empty());
}

TEST_CASE("what is mounted in a directory is told, at any depth, and not what is mounted on it") {
    const Tables site;
    const MountList mounts(site.tables.mounted);
    CHECK(mounts.mounts_below("/data") == std::vector<std::string>{"tmpfs on /data/with blank"});
    CHECK(mounts.mounts_below("/").size() == 2);
    CHECK(mounts.mounts_below("/data/with blank").empty());
}

}  // namespace mistamover::files
