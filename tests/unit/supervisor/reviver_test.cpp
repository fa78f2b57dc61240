// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/reviver.hpp"

#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <mutex>
#include <thread>

#include "scratch.hpp"
#include "supervisor/instance_lock.hpp"
#include "supervisor_test_support.hpp"

namespace mistamover::test {
namespace {

using supervisor::InstanceLock;

// A reviver whose controller is a shell script; $starts gets a line each time it is started, and $pid_file is
// the pid file.
class Revival {
  public:
    Revival(const std::filesystem::path& run_dir, const std::string& script, pid_t dead_controller = 0)
        : starts_(run_dir / "starts"),
          reviver_(
              run_dir,
              {"-c", "starts=" + starts_.string() + " pid_file=" + InstanceLock::pid_file(run_dir).string() +
                         "; echo >>$starts; " + script},
              [this](const std::string& text) { take(text); }, "/bin/sh"),
          thread_([this, dead_controller] {
              reviver_.revive(dead_controller, std::chrono::hours{1});
              ended_ = true;
          }) {}
    ~Revival() { thread_.join(); }
    Revival(const Revival&) = delete;
    Revival& operator=(const Revival&) = delete;

    [[nodiscard]] std::size_t starts() const { return read_file(starts_).size(); }
    [[nodiscard]] bool ends() const {
        return eventually([this] { return ended_.load(); });
    }
    [[nodiscard]] bool ended() const { return ended_; }
    std::string reports() {
        const std::lock_guard lock(mutex_);
        return reports_;
    }

  private:
    void take(const std::string& text) {
        const std::lock_guard lock(mutex_);
        reports_ += text + '\n';
    }

    std::filesystem::path starts_;
    std::mutex mutex_;
    std::string reports_;
    std::atomic<bool> ended_ = false;
    supervisor::Reviver reviver_;
    std::thread thread_;
};

constexpr char clean_end[] = "rm $pid_file";

}  // namespace

TEST_CASE("after a clean end nothing is started") {
    const Scratch scratch;
    const Revival revival(scratch.path(), clean_end);
    CHECK(revival.ends());
    CHECK(revival.starts() == 0);
}

TEST_CASE("where another controller runs nothing is started") {
    const Scratch scratch;
    const Child running(controller_of(scratch.path(), Announces::yes));
    const Revival revival(scratch.path(), clean_end);
    CHECK(revival.ends());
    CHECK(revival.starts() == 0);
}

TEST_CASE("a controller that ends by itself is started again, and what it said is reported") {
    const Scratch scratch;
    write_file(InstanceLock::pid_file(scratch.path()), "1\n");
    Revival revival(
        scratch.path(),
        "echo the configuration is broken >&2; [ $(wc -l <$starts) = 3 ] && rm $pid_file; exit 2");
    CHECK(revival.ends());
    CHECK(revival.starts() == 3);
    const std::string reports = revival.reports();
    CHECK_MESSAGE(reports.find("ended with exit code 2: the configuration is broken\n") != std::string::npos,
                  reports);
}

TEST_CASE("a controller that is killed while it starts is started again") {
    const Scratch scratch;
    write_file(InstanceLock::pid_file(scratch.path()), "1\n");
    Revival revival(scratch.path(), "[ $(wc -l <$starts) = 2 ] && rm $pid_file; kill -9 $$");
    CHECK(revival.ends());
    CHECK(revival.starts() == 2);
    CHECK(revival.reports().find("ended with signal 9") != std::string::npos);
}

TEST_CASE("one that starts elsewhere is waited for, and is not trusted before it has announced itself") {
    const Scratch scratch;
    write_file(InstanceLock::pid_file(scratch.path()), "1\n");
    Child starting(controller_of(scratch.path(), Announces::no));
    const Revival revival(scratch.path(), clean_end);
    CHECK_FALSE(revival.ended());
    CHECK(revival.starts() == 0);
    starting.kill();
    CHECK(revival.ends());
    CHECK(revival.starts() == 1);
}

TEST_CASE("the lock of the controller that has just died is not taken for that of another") {
    const Scratch scratch;
    Child dying(controller_of(scratch.path(), Announces::yes));
    const Revival revival(scratch.path(), clean_end, dying.pid());
    CHECK(revival.starts() == 0);
    dying.kill();
    CHECK(revival.ends());
    CHECK(revival.starts() == 1);
}

}  // namespace mistamover::test
