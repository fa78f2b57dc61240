// SPDX-License-Identifier: BSD-3-Clause
// A disk that is filled twice as fast as it is emptied, by deliverers of which the one of low priority does
// not care for `.stop` files.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "campaign.hpp"
#include "disk_site.hpp"
#include "faulty_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t file_size = 200'000;

std::chrono::seconds duration() {
    return is_full_campaign() ? 120s : 10s;
}

// Delivers files of 200 kB at a steady rate, until it is told to stop.
class Deliverer {
  public:
    Deliverer(fs::path directory, std::chrono::milliseconds pause)
        : directory_(std::move(directory)), thread_([this, pause] { run(pause); }) {}
    ~Deliverer() { finish(); }
    Deliverer(const Deliverer&) = delete;
    Deliverer& operator=(const Deliverer&) = delete;

    void finish() {
        over_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    [[nodiscard]] int files() const { return files_; }
    [[nodiscard]] int errors() const { return errors_; }

  private:
    void run(std::chrono::milliseconds pause) {
        const std::string content(file_size, 'd');
        auto next = std::chrono::steady_clock::now();
        while (!over_) {
            const fs::path name = directory_ / ("f" + std::to_string(files_++));
            const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
            errors_ +=
                ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()) ? 0 : 1;
            ::close(fd);
            // What was missed while the machine stood still does not come all at once.
            next = std::max(next + pause, std::chrono::steady_clock::now());
            std::this_thread::sleep_until(next);
        }
    }

    fs::path directory_;
    std::atomic<bool> over_ = false;
    std::atomic<int> files_ = 0;
    std::atomic<int> errors_ = 0;
    std::thread thread_;
};

// The monitor, which does not look at a unit again as long as it need not, sees no part of it.
void deliver_whole(const fs::path& path) {
    const fs::path hidden = path.parent_path() / ('.' + path.filename().string());
    write_file(hidden, std::string(file_size, 'd'));
    fs::rename(hidden, path);
}

std::size_t events_like(const std::vector<std::string>& events, const std::string& start) {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [&](const std::string& event) { return event.starts_with(start); }));
}

std::size_t delivered(const DiskSite& site, const std::string& stream) {
    const std::set<std::string> names = names_in(site.target(stream));
    return static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(), [](const std::string& name) { return name.front() == 'f'; }));
}

}  // namespace

TEST_SUITE_BEGIN("disk_space_campaign");

TEST_CASE(
    "where low priority comes in twice as fast as it leaves, high priority sees no error and loses nothing") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    site.add("low", ", priority: 50, deletion_enabled: true", ", bandwidth_limit: 2MB");
    site.add("high", ", priority: 200, deletion_enabled: true");
    const Daemon daemon(site);
    REQUIRE(site.fill(22 * mb, "OKAY"));
    Deliverer low(site.directory("low"), 50ms);     // 4 MB/s
    Deliverer high(site.directory("high"), 200ms);  // 1 MB/s, and it is sent as fast
    std::this_thread::sleep_for(duration());
    low.finish();
    high.finish();
    CHECK(high.errors() == 0);
    CHECK(eventually([&] { return delivered(site, "high") == static_cast<std::size_t>(high.files()); }));
    REQUIRE(eventually([&] { return site.status()->getValue<std::string>("state") != "VLOW"; }));

    const std::vector<std::string> events = site.events();
    const std::size_t deleted = events_like(events, "deleted low/");
    CHECK(deleted > 0);
    CHECK(events_like(events, "deleted ") == deleted);
    CHECK(events_like(events, "stop high") == 0);
    CHECK(events_like(events, "stop low") == 1);
    CHECK(events_like(events, "go ") == 0);
    // Each file of low priority was delivered or deleted.
    CHECK(eventually([&] {
        return delivered(site, "low") + events_like(site.events(), "deleted ") ==
               static_cast<std::size_t>(low.files());
    }));
}

TEST_CASE("what is deleted is what the status has shown just before") {
    if (!may_mount()) {
        return;
    }
    DiskSite site;
    site.add("low", ", priority: 50, deletion_enabled: true");
    write_file(site.target("low") / ".stop", "nothing drains\n");
    const Daemon daemon(site);
    REQUIRE(site.fill(23 * mb, "OKAY"));
    const auto state = [&] { return site.status()->getValue<std::string>("state"); };
    // The later one goes first, of two that were made within one step of the file system's clock as well.
    const auto name_of = [](int file) { return "f" + std::to_string(999 - file); };
    int files = 0;
    for (; state() != "LOW"; ++files) {
        REQUIRE(files < 50);
        deliver_whole(site.directory("low") / name_of(files));
    }
    // Not before the monitor has seen the last of them.
    constexpr int shown = 10;
    REQUIRE(files >= shown);
    std::vector<std::string> plan;
    for (int i = 1; i <= shown; ++i) {
        plan.push_back("low/" + name_of(files - i));
    }
    REQUIRE(eventually([&] { return site.planned() == plan; }));
    site.disk().leave_free(9'200'000);  // 10.1 MB have to be free: about five files
    REQUIRE(eventually([&] { return events_like(site.events(), "VLOW") == 1; }));
    REQUIRE(site.reaches("LOW"));
    // Of which the record comes behind those of the deletions.
    REQUIRE(eventually([&] { return events_like(site.events(), "LOW") == 2; }));
    std::vector<std::string> deleted;
    for (const std::string& event : site.events()) {
        if (event.starts_with("deleted ")) {
            deleted.push_back(event.substr(8));
        }
    }
    CHECK(deleted.size() >= 4);
    REQUIRE(deleted.size() <= plan.size());
    plan.resize(deleted.size());
    CHECK_MESSAGE(deleted == plan, site.disk_log());
}

TEST_SUITE_END();

}  // namespace mistamover::test
