// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/disk_space_process.hpp"

#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "config/settings.hpp"
#include "process/channel.hpp"
#include "process/spawn.hpp"
#include "process/work_lock.hpp"
#include "scratch.hpp"

namespace mistamover::test {

namespace fs = std::filesystem;

namespace {

// A monitor whose controller is the test. It takes its file system for full, and has one stream.
class MonitorProcess {
  public:
    MonitorProcess() {
        fs::create_directories(data());
        fs::create_directories(work_dir());
        std::pair<process::UniqueFd, process::UniqueFd> ends = process::socket_pair();
        its_end_ = std::move(ends.second);
        channel_.emplace(
            loop_, std::move(ends.first),
            [this](process::Message&& message) {
                heard_.push_back(message);
                on_message_(message);
            },
            [this] { loop_.stop(); });
        configure();
    }

    [[nodiscard]] fs::path data() const { return scratch_ / "data"; }
    [[nodiscard]] fs::path work_dir() const { return scratch_ / "run" / "disk_space" / "device"; }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(data())) {
            names.push_back(entry.path().filename().string());
        }
        return names;
    }
    /// What an earlier monitor has left of a directory; gives its name.
    [[nodiscard]] std::string leave_a_rest() const {
        write_file(data() / "tree" / "file", "12345");
        struct stat info {};
        REQUIRE(::stat((data() / "tree").c_str(), &info) == 0);
        std::string rest = ".mistamover-deleting-" + std::to_string(info.st_ino) + "-tree";
        fs::rename(data() / "tree", data() / rest);
        return rest;
    }

    void on_message(std::function<void(const process::Message&)> handler) {
        on_message_ = std::move(handler);
    }
    void send(const process::Message& message) { channel_->send(message); }
    /// It does not hear the first before the last has been sent.
    void send_together(std::initializer_list<process::Message> messages) {
        freeze();
        for (const process::Message& message : messages) {
            send(message);
        }
        REQUIRE(::kill(pid_, SIGCONT) == 0);
    }
    /// It does not hear the message before its controller has gone.
    void send_and_go(const process::Message& message) {
        freeze();
        send(message);
        channel_.reset();
        loop_.stop();
        REQUIRE(::kill(pid_, SIGCONT) == 0);
    }
    /// From its start to its end; gives its exit code.
    int run() {
        start();
        loop_.run();
        return exit_code();
    }
    /// The same, where its controller has gone before it hears anything.
    int run_alone() {
        channel_.reset();
        start();
        return exit_code();
    }
    template <typename Message>
    [[nodiscard]] bool has_said() const {
        return std::any_of(heard_.begin(), heard_.end(), [](const process::Message& message) {
            return std::holds_alternative<Message>(message);
        });
    }

  private:
    void freeze() const {
        REQUIRE(::kill(pid_, SIGSTOP) == 0);
        REQUIRE(::waitpid(pid_, nullptr, WUNTRACED) == pid_);
    }
    void start() {
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::_exit(become_monitor());
        }
        its_end_.reset();
    }
    [[nodiscard]] int exit_code() const {
        int status = 0;
        REQUIRE(::waitpid(pid_, &status, 0) == pid_);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    void configure() {
        struct statvfs info {};
        REQUIRE(::statvfs(scratch_.path().c_str(), &info) == 0);
        const std::string nearly_all = std::to_string(info.f_blocks * info.f_frsize - 1) + "B";
        process::Configure configure;
        configure.settings = config::serialize_settings(
            {{"disk_space_monitor",
              {{"level_good", {nearly_all}}, {"level_low", {nearly_all}}, {"level_vlow", {nearly_all}}}}});
        configure.work_dir = work_dir().string();
        process::MonitorStream stream;
        stream.name = "p";
        stream.deletion_enabled = true;
        stream.data_dir = data().string();
        stream.quarantine_dir = (data() / "quarantine").string();
        send(configure);
        send(stream);
        send(process::StreamsKnown{});
    }

    // Of the test's descriptors it has its own ends alone: it is to see when the controller has gone.
    [[nodiscard]] int become_monitor() const {
        constexpr int out_of_the_way = 10;
        const int channel = ::fcntl(its_end_.get(), F_DUPFD, out_of_the_way);
        const int log = ::fcntl(log_.first.get(), F_DUPFD, out_of_the_way);
        if (::dup2(channel, process::channel_fd) < 0 || ::dup2(log, process::log_fd) < 0 ||
            ::close_range(process::log_fd + 1, ~0U, 0) != 0) {
            return 99;
        }
        try {
            return disk_space::run_disk_space_process("disk", scratch_.path().string());
        } catch (const std::exception&) {
            return 98;
        }
    }

    Scratch scratch_;
    process::EventLoop loop_;
    process::UniqueFd its_end_;
    std::pair<process::UniqueFd, process::UniqueFd> log_ = process::socket_pair();
    std::optional<process::Channel> channel_;
    std::vector<process::Message> heard_;
    std::function<void(const process::Message&)> on_message_ = [](const process::Message&) {};
    pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("a stop that is heard while a directory is deleted lets it go to its end, and no other begin") {
    MonitorProcess monitor;
    for (const char* name : {"a", "b", "c"}) {
        write_file(monitor.data() / name / "file", "12345");
    }
    monitor.on_message([&](const process::Message& message) {
        if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
            CHECK(wanted->names.size() == 3);
            monitor.send_together({process::UnitsHeld{wanted->request, wanted->names}, process::Stop{}});
        }
    });
    CHECK(monitor.run() == 0);
    CHECK(monitor.has_said<process::ReleaseUnits>());
    const std::vector<std::string> left = monitor.names();
    CHECK(left.size() == 2);
    CHECK(std::none_of(left.begin(), left.end(), [](const std::string& name) { return name[0] == '.'; }));
}

TEST_CASE(
    "a stop that is heard while an earlier deletion is ended lets it go to its end, and nothing else begin") {
    MonitorProcess monitor;
    (void)monitor.leave_a_rest();
    write_file(monitor.data() / "unit", "12345");
    monitor.send(process::Stop{});
    CHECK(monitor.run() == 0);
    CHECK_FALSE(monitor.has_said<process::DiskSpaceReport>());
    CHECK(monitor.names() == std::vector<std::string>{"unit"});
}

TEST_CASE("what a controller has let be deleted is not deleted once it has gone") {
    MonitorProcess monitor;
    write_file(monitor.data() / "unit", "12345");
    monitor.on_message([&](const process::Message& message) {
        if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
            monitor.send_and_go(process::UnitsHeld{wanted->request, wanted->names});
        }
    });
    CHECK(monitor.run() == 0);
    CHECK(monitor.has_said<process::HoldUnits>());
    CHECK(monitor.names() == std::vector<std::string>{"unit"});
}

TEST_CASE(
    "a monitor deletes when another deletion in the directory is over, and holds it no longer than that") {
    MonitorProcess monitor;
    write_file(monitor.data() / "unit", "12345");
    const std::string other = (monitor.work_dir().parent_path() / "other").string();
    process::WorkHold hold(other);
    REQUIRE(hold.take(monitor.data().string()));
    monitor.on_message([&](const process::Message& message) {
        if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
            monitor.send(process::UnitsHeld{wanted->request, wanted->names});
            hold.release();
        } else if (std::holds_alternative<process::ReleaseUnits>(message)) {
            CHECK_FALSE(process::work_is_held_back(other, monitor.data().string()));
            monitor.send(process::Stop{});
        }
    });
    CHECK(monitor.run() == 0);
    CHECK(monitor.has_said<process::ReleaseUnits>());
    CHECK(monitor.names().empty());
}

TEST_CASE("where none of very many units is allowed, the monitor asks no more before its next poll") {
    MonitorProcess monitor;
    constexpr int more_than_it_asks_for_at_once = 600;
    for (int i = 0; i < more_than_it_asks_for_at_once; ++i) {
        write_file(monitor.data() / std::to_string(i), "12345");
    }
    std::vector<std::string> asked;
    monitor.on_message([&](const process::Message& message) {
        if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
            if (asked.empty()) {
                asked = wanted->names;
                monitor.send(process::UnitsHeld{wanted->request, {}});
            } else {
                CHECK(wanted->names == asked);  // a new round, which begins where the first did
                monitor.send(process::Stop{});
            }
        }
    });
    CHECK(monitor.run() == 0);
    CHECK(asked.size() < more_than_it_asks_for_at_once);
    CHECK(monitor.names().size() == more_than_it_asks_for_at_once);
}

TEST_CASE("a monitor that waits for the end of another deletion hears a stop") {
    MonitorProcess monitor;
    write_file(monitor.data() / "unit", "12345");
    process::WorkHold hold((monitor.work_dir().parent_path() / "other").string());
    REQUIRE(hold.take(monitor.data().string()));
    monitor.on_message([&](const process::Message& message) {
        if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
            monitor.send_together({process::UnitsHeld{wanted->request, wanted->names}, process::Stop{}});
        }
    });
    CHECK(monitor.run() == 0);
    CHECK_FALSE(monitor.has_said<process::ReleaseUnits>());
    CHECK(monitor.names() == std::vector<std::string>{"unit"});
}

TEST_CASE("a monitor that waits for the end of an earlier one says that it is well, and hears a stop") {
    MonitorProcess monitor;
    const process::UniqueFd lock = process::try_work_lock(monitor.work_dir().string());
    monitor.on_message([&](const process::Message& message) {
        if (std::holds_alternative<process::Heartbeat>(message)) {
            monitor.send(process::Stop{});
        }
    });
    CHECK(monitor.run() == 0);
    CHECK_FALSE(monitor.has_said<process::DiskSpaceReport>());
}

TEST_CASE("what an earlier monitor has left of a directory stays where the controller goes") {
    MonitorProcess monitor;
    const std::string rest = monitor.leave_a_rest();
    CHECK(monitor.run_alone() == 0);
    CHECK(fs::exists(monitor.data() / rest / "file"));
}

}  // namespace mistamover::test
