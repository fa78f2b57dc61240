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

// What the stream remembers of the mount of its directory.
std::filesystem::path mark_in(const Site& site) {
    std::error_code gone;
    using Walk = std::filesystem::recursive_directory_iterator;
    for (Walk entry(site.home(), gone); !gone && entry != Walk(); entry.increment(gone)) {
        if (entry->path().filename() == "source-mount") {
            return entry->path();
        }
    }
    return {};
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
    // Nor does it where somebody writes into the mount point.
    write_file(site.source() / "g", "g");
    CHECK_MESSAGE(eventually([&] {
                      return status_of(site).find("most of what the target has is not in it") !=
                             std::string::npos;
                  }),
                  status_of(site));
    CHECK(read_file(site.target() / "f") == "f");
    CHECK_FALSE(std::filesystem::exists(site.target() / "g"));
    // It is meant so.
    CHECK(std::filesystem::remove(mark_in(site)));
    write_file(site.source() / "h", "h");
    CHECK_MESSAGE(eventually([&] { return read_file(site.target() / "h") == "h"; }), status_of(site));
    CHECK(eventually([&] { return read_file(site.target() / "g") == "g"; }));
    CHECK(eventually([&] { return !std::filesystem::exists(site.target() / "f"); }));
}

TEST_CASE("a mirror notices what changes on a disk that is mounted in it while it runs") {
    if (!may_mount()) {
        return;
    }
    Site site;
    site.add_stream("p", "transfer_mode: mirror, mirror_delete: false");
    // So seldom that no change of this test can be found by it.
    write_file(site.config(), "global: {top: " + site.home().string() +
                                  ", general_poll_interval: 1h}\nlogging: {log_level: DEBUG}\n");
    write_file(site.source() / "d/below", "below");
    const Daemon daemon(site);
    const auto arrives = [&](const std::string& name) {
        write_file(site.source() / name, name);
        return eventually([&] { return read_file(site.target() / name) == name; });
    };
    REQUIRE(arrives("d/first"));
    for (int round = 0; round < 2; ++round) {
        const std::string number = std::to_string(round);
        {
            const SmallDisk disk(site.source() / "d", 1);
            // The first may be found by the look that the mounting brings about, the second is not.
            CHECK_MESSAGE(arrives("d/mounted" + number), status_of(site));
            CHECK_MESSAGE(arrives("d/also mounted" + number), status_of(site));
        }
        CHECK_MESSAGE(arrives("d/unmounted" + number), status_of(site));
        CHECK_MESSAGE(arrives("d/also unmounted" + number), status_of(site));
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
