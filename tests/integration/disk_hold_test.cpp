// SPDX-License-Identifier: BSD-3-Clause
// Whoever deletes and whoever sends agree, whichever of their processes dies at whatever moment. The test
// stops the deletion just before it begins: it has what the monitor takes for it.

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

// The lock of a directory or file, as long as it lives.
class Lock {
  public:
    explicit Lock(const fs::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        REQUIRE(::flock(fd_, LOCK_EX) == 0);
    }
    ~Lock() { ::close(fd_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    int fd_;
};

bool waits_for_lock(pid_t pid, const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return false;
    }
    std::ifstream locks("/proc/locks");
    const std::string of_pid = ' ' + std::to_string(pid) + ' ';
    const std::string of_inode = ':' + std::to_string(info.st_ino) + ' ';
    for (std::string line; std::getline(locks, line);) {
        if (line.find(" -> FLOCK") != std::string::npos && line.find(of_pid) != std::string::npos &&
            line.find(of_inode) != std::string::npos) {
            return true;
        }
    }
    return false;
}

// For the lock of this directory or file.
bool comes_to_wait(const Daemon& daemon, const std::string& process, const fs::path& path) {
    return eventually([&] {
        const pid_t pid = daemon.process(process);
        return pid > 0 && waits_for_lock(pid, path);
    });
}

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

// That of the one whose file system is the site's disk.
fs::path lock_of_monitor(const DiskSite& site) {
    struct stat info {};
    REQUIRE(::stat(site.disk().path().c_str(), &info) == 0);
    return site.home() / "run" / "disk_space" /
           (std::to_string(major(info.st_dev)) + ':' + std::to_string(minor(info.st_dev))) / "lock";
}

// A stream, its quarantine on another file system, of which `unit` is about to be deleted: its transfer
// process holds it, and it would be gone, were it not for the test.
struct DeletionBegun {
    DiskSite site;
    SmallDisk other{created(site.home() / "other"), 64};
    fs::path quarantine = created(other.path() / "quarantine");
    fs::path unit = site.directory("p") / "unit";
    fs::path locked = site.home() / "run" / "work" / "p";
    std::optional<Daemon> daemon;
    std::optional<Lock> lock;

    DeletionBegun() {
        site.add("p", ", deletion_enabled: true",
                 ", parallel_transfers: 1, stop_file_poll_interval: 100ms, quarantine_dir: " +
                     quarantine.string());
        write_file(site.target("p") / ".stop", "nothing drains\n");
        write_file(unit, std::string(mb, 'u'));
        daemon.emplace(site);
        REQUIRE(site.reaches("GOOD"));
        REQUIRE(eventually([&] { return site.state_of("p") == "suspended"; }));
        lock.emplace(locked);
        site.disk().leave_free(5 * mb);
        REQUIRE(comes_to_wait(*daemon, "mm:dsm_disk", locked));
        CHECK(fs::exists(unit));
    }
    /// Whether so many processes of the stream have come to wait for the end of the deletion.
    [[nodiscard]] bool is_held_back(int processes) const {
        return eventually([&] {
            int waits = 0;
            std::istringstream lines(site.log("dtc_p"));
            for (std::string line; std::getline(lines, line);) {
                waits += line.ends_with("waits for the end of a deletion in its directory") ? 1 : 0;
            }
            return waits == processes;
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
    Daemon::kill(begun.daemon->controller());
    // Nor would the next controller's transfer process begin before the deletion were over.
    REQUIRE(begun.is_held_back(1));
    begun.site.disk().leave_free(35 * mb);
    begun.lock.reset();
    REQUIRE(begun.site.reaches("GOOD"));  // by the next monitor, which waits for the end of this one
    CHECK(fs::exists(begun.unit));
    begun.go_on_sending();
    CHECK(begun.arrives("unit"));
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
    begun.lock.reset();
    CHECK(begun.arrives("later"));
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
    REQUIRE(::kill(monitor, SIGCONT) == 0);
    CHECK(eventually([&] { return !fs::exists(begun.unit); }));
    CHECK(begun.daemon->stop());
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
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

TEST_CASE("what another file system's monitor deletes of the stream releases nothing that this one deletes") {
    if (!may_mount()) {
        return;
    }
    DeletionBegun begun;
    write_file(begun.quarantine / "failed", std::string(10 * mb, 'f'));
    begun.other.leave_free(5 * mb);
    REQUIRE(eventually([&] {
        const auto other = begun.site.status("other");
        return other && other->getValue<std::uint64_t>("deleted_units") == 1;
    }));
    begun.go_on_sending();
    write_file(begun.site.directory("p") / "later", "data");
    CHECK(begun.arrives("later"));
    CHECK_FALSE(fs::exists(begun.site.target("p") / "unit"));
    begun.lock.reset();
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
    CHECK(comes_to_wait(daemon, "mm:dsm_also", lock_of_monitor(site)));
    REQUIRE(::kill(earlier, SIGCONT) == 0);
    CHECK(eventually([&] { return !site.status("also").isNull() && site.status("disk").isNull(); }));
    CHECK(site.status("also")->getValue<std::string>("state") == "GOOD");
}

TEST_SUITE_END();

}  // namespace mistamover::test
