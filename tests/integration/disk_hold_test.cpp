// SPDX-License-Identifier: BSD-3-Clause
// Whoever deletes and whoever sends agree, whichever of their processes dies at whatever moment. The test
// stops the deletion just before it begins: it has what the monitor takes for it.

#include <csignal>
#include <doctest/doctest.h>
#include <optional>
#include <sys/mount.h>

#include "disk_site.hpp"
#include "faulty_site.hpp"
#include "process/work_lock.hpp"
#include "receiving_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

// The same directory once more, at another one, as long as it lives.
class BindMount {
  public:
    BindMount(const fs::path& directory, fs::path at) : at_(std::move(at)) {
        fs::create_directories(at_);
        REQUIRE(::mount(directory.c_str(), at_.c_str(), nullptr, MS_BIND, nullptr) == 0);
    }
    ~BindMount() { ::umount2(at_.c_str(), MNT_DETACH); }
    BindMount(const BindMount&) = delete;
    BindMount& operator=(const BindMount&) = delete;

  private:
    fs::path at_;
};

fs::path created(const fs::path& directory) {
    fs::create_directories(directory);
    return directory;
}

// A stream of which `unit` is about to be deleted: its transfer process holds it, and it would be gone, were
// it not for the test.
struct DeletionBegun {
    DiskSite site;
    fs::path unit = site.directory("p") / "unit";
    std::optional<Daemon> daemon;
    std::optional<process::WorkHold> hold;

    DeletionBegun() {
        site.add("p", ", deletion_enabled: true", ", parallel_transfers: 1, stop_file_poll_interval: 100ms");
        write_file(site.target("p") / ".stop", "nothing drains\n");
        write_file(unit, std::string(mb, 'u'));
        daemon.emplace(site);
        REQUIRE(site.reaches("GOOD"));
        REQUIRE(eventually([&] { return site.state_of("p") == "suspended"; }));
        hold.emplace((site.home() / "run" / "disk_space" / "test").string());
        REQUIRE(hold->take(site.directory("p").string()));
        site.disk().leave_free(5 * mb);
        REQUIRE(eventually([&] { return monitors_that_wait() == 1; }));
        CHECK(fs::exists(unit));
    }
    /// How many have come to wait for the end of the deletion.
    [[nodiscard]] std::size_t monitors_that_wait() const {
        const std::string directory = site.directory("p").string();
        return count_of("waits for the end of another deletion in " + directory + '\n', site.disk_log());
    }
    /// Whether so many processes of the stream have come to wait for that.
    [[nodiscard]] bool is_held_back(std::size_t processes, const std::string& stream = "p") const {
        return eventually([&] {
            return count_of("waits for the end of a deletion in its directory\n",
                            site.log("dtc_" + stream)) == processes;
        });
    }
    void go_on_sending() const { fs::remove(site.target("p") / ".stop"); }
    [[nodiscard]] bool arrives(const std::string& name) const {
        return eventually([&] { return fs::exists(site.target("p") / name); });
    }
};

}  // namespace

TEST_SUITE_BEGIN("disk_space");

TEST_CASE("what a controller that has died let be deleted is not deleted after it") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    const pid_t monitor = begun.daemon->process("mm:dsm_disk");
    REQUIRE(monitor > 0);
    Daemon::kill(begun.daemon->controller());
    CHECK(eventually([&] { return parent_of(monitor) == 0; }));  // it does not wait any longer
    // Nor would the next controller's transfer process begin before the deletion were over.
    REQUIRE(begun.is_held_back(1));
    begun.site.disk().leave_free(35 * mb);
    begun.hold.reset();
    REQUIRE(begun.site.reaches("GOOD"));
    CHECK(fs::exists(begun.unit));
    begun.go_on_sending();
    CHECK(begun.arrives("unit"));
}

TEST_CASE("a stream that got another name as its controller died waits for the end of the deletion, too") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    const pid_t controller = begun.daemon->controller();
    REQUIRE(::kill(controller, SIGSTOP) == 0);
    begun.site.add_at("q", begun.site.directory("p"));
    fs::remove(begun.site.home() / "streams.d" / "p.yaml");
    Daemon::kill(controller);
    REQUIRE(begun.is_held_back(1, "q"));
    CHECK_FALSE(fs::exists(begun.site.target("q") / "unit"));
    begun.site.disk().leave_free(35 * mb);
    begun.hold.reset();
    CHECK(eventually([&] { return !fs::exists(begun.unit); }));
    CHECK(fs::exists(begun.site.target("q") / "unit"));
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
}

TEST_CASE("a unit that is about to be deleted is not sent by the next process of its stream either") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    const pid_t monitor = begun.daemon->process("mm:dsm_disk");
    REQUIRE(monitor > 0);
    REQUIRE(::kill(monitor, SIGSTOP) == 0);
    Daemon::kill(begun.daemon->process("mm:p"));
    REQUIRE(begun.is_held_back(1));
    begun.go_on_sending();
    write_file(begun.site.directory("p") / "later", "data");
    begun.hold.reset();
    CHECK(begun.arrives("later"));
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
    REQUIRE(::kill(monitor, SIGCONT) == 0);
    CHECK(eventually([&] { return !fs::exists(begun.unit); }));
    CHECK(begun.daemon->stop());
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
}

TEST_CASE("nor by a process of the stream that its directory has by then") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    const pid_t monitor = begun.daemon->process("mm:dsm_disk");
    REQUIRE(monitor > 0);
    REQUIRE(::kill(monitor, SIGSTOP) == 0);  // it does not hear that it is to end
    begun.site.add_at("q", begun.site.directory("p"), "", ", parallel_transfers: 1");
    fs::remove(begun.site.home() / "streams.d" / "p.yaml");
    REQUIRE(begun.is_held_back(1, "q"));
    write_file(begun.site.directory("p") / "later", "data");
    begun.hold.reset();
    const fs::path target = begun.site.target("q");
    CHECK(eventually([&] { return fs::exists(target / "later"); }));
    CHECK_FALSE(fs::exists(target / "unit"));
    REQUIRE(::kill(monitor, SIGCONT) == 0);
    CHECK(eventually([&] { return !fs::exists(begun.unit); }));  // it was deleted, or sent after that
}

TEST_CASE(
    "what a removed stream may have in hand is not deleted of one that has its directory by another path") {
    if (!may_mount()) {
        return;
    }
    const DiskSite site;
    site.add("p");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    const pid_t of_removed = daemon.process("mm:p");
    REQUIRE(of_removed > 0);
    REQUIRE(::kill(of_removed, SIGSTOP) == 0);  // it does not end, nor tells what it has in hand
    const fs::path unit = site.directory("p") / "unit";
    write_file(unit, std::string(mb, 'u'));
    fs::remove(site.home() / "streams.d" / "p.yaml");
    fs::create_directory_symlink(site.directory("p"), site.directory("q"));
    site.add_at("q", site.directory("q"), ", deletion_enabled: true");
    REQUIRE(eventually([&] {
        const auto status = site.status();
        return status && status->getArray("next_deletions")->size() == 1;
    }));
    REQUIRE(site.fill(5 * mb, "VLOW"));
    CHECK_FALSE(eventually([&] { return !fs::exists(unit); }, std::chrono::seconds{3}));
    REQUIRE(::kill(of_removed, SIGCONT) == 0);
    CHECK(eventually([&] { return !fs::exists(unit); }));  // the process of q answers
}

TEST_CASE("a process that is held back by a deletion ends when it is told to") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    Daemon::kill(begun.daemon->process("mm:p"));
    REQUIRE(begun.is_held_back(1));
    const pid_t held_back = begun.daemon->process("mm:p");
    REQUIRE(held_back > 0);
    REQUIRE(::kill(held_back, SIGTERM) == 0);
    CHECK(eventually([&] { return parent_of(held_back) == 0; }));
    CHECK(begun.is_held_back(2));  // the next one
}

TEST_CASE("a stream's processes that wait for those of an earlier controller end when they are told to") {
    ReceivingSite site;
    site.add_relay("plugin: local, target_dir: " + site.target().string(), "");
    const auto lock_of = [&](const char* kind) {
        return process::try_work_lock(created(site.home() / "run" / kind / "p").string());
    };
    const process::UniqueFd work = lock_of("work");
    const process::UniqueFd arrivals = lock_of("arrivals");
    Daemon daemon(site);
    for (const char* log : {"dtc_p", "arrmon_p"}) {
        CHECK(eventually(
            [&] { return count_of("waits for the end of an earlier process\n", site.log(log)) == 1; }));
    }
    CHECK(daemon.stop());
    CHECK_MESSAGE(count_of("did not end in time", site.log("mistamover_ctl")) == 0,
                  site.log("mistamover_ctl"));
}

TEST_CASE("what another file system's monitor deletes of the stream releases nothing that this one deletes") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    const SmallDisk other(created(begun.site.directory("p") / "quarantine"), 64);
    write_file(other.path() / "failed", std::string(10 * mb, 'f'));
    other.leave_free(5 * mb);
    REQUIRE(eventually([&] {
        const auto quarantine = begun.site.status("quarantine");
        return quarantine && quarantine->getValue<std::uint64_t>("deleted_units") == 1;
    }));
    begun.go_on_sending();
    write_file(begun.site.directory("p") / "later", "data");
    CHECK(begun.arrives("later"));
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
    begun.hold.reset();
    CHECK(eventually([&] { return !fs::exists(begun.unit); }));
    CHECK(begun.daemon->stop());
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
}

TEST_CASE("a monitor waits for the end of the one that the file system had under another name") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    site.add("p");
    const fs::path other = site.home() / "also";
    std::optional<BindMount> mounted;
    const Daemon daemon(site);
    REQUIRE(site.reaches("GOOD"));
    const pid_t earlier = daemon.process("mm:dsm_disk");
    REQUIRE(earlier > 0);
    REQUIRE(::kill(earlier, SIGSTOP) == 0);
    mounted.emplace(site.disk().path(), other);
    fs::create_directories(other / "q");
    site.add_at("q", other / "q");
    CHECK(eventually(
        [&] { return count_of("waits for the end of an earlier process", site.log("dsm_also")) == 1; }));
    REQUIRE(::kill(earlier, SIGCONT) == 0);
    CHECK(eventually([&] {
        const auto status = site.status("also");
        return !status.isNull() && status->getValue<std::string>("state") == "GOOD" &&
               site.status("disk").isNull();
    }));
}

TEST_SUITE_END();

}  // namespace mistamover::test
