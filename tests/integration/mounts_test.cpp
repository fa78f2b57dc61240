// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <optional>

#include "program.hpp"
#include "small_disk.hpp"

namespace mistamover::test {
namespace {

std::string status_of(const Site& site) {
    return run_program({"status", site.config().string()}).output;
}

}  // namespace

TEST_SUITE_BEGIN("mounts");

TEST_CASE("a disk that is mounted on a stream's directory, and unmounted again, is noticed") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    {
        const SmallDisk disk(site.source(), 1);
        write_file(site.source() / "on the disk", "f");
        CHECK_MESSAGE(eventually([&] { return read_file(site.target() / "on the disk") == "f"; }),
                      status_of(site));
        CHECK(eventually([&] { return site.state_of("p") == "idle"; }));
    }
    write_file(site.source() / "below it", "g");
    CHECK_MESSAGE(eventually([&] { return read_file(site.target() / "below it") == "g"; }), status_of(site));
}

TEST_CASE("a mirror whose disk is not mounted when it starts deletes nothing at the target") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p", "transfer_mode: mirror, retry_delay: 100ms");
    std::optional<SmallDisk> disk(std::in_place, site.source(), 1);
    std::optional<Daemon> daemon(site);
    write_file(site.source() / "f", "f");
    CHECK(eventually([&] { return read_file(site.target() / "f") == "f"; }));
    CHECK(daemon->stop());
    disk.reset();
    daemon.emplace(site);
    CHECK_MESSAGE(eventually([&] {
                      return status_of(site).find("nothing is deleted at the target") != std::string::npos;
                  }),
                  status_of(site));
    CHECK(read_file(site.target() / "f") == "f");
    // What is put there counts again.
    write_file(site.source() / "g", "g");
    CHECK(eventually([&] { return !std::filesystem::exists(site.target() / "f"); }));
    CHECK(eventually([&] { return read_file(site.target() / "g") == "g"; }));
}

TEST_SUITE_END();

}  // namespace mistamover::test
