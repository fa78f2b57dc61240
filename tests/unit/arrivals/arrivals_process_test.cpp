// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrivals_process.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "config/settings.hpp"
#include "process/channel.hpp"
#include "process/spawn.hpp"
#include "receiving_site.hpp"

namespace mistamover::test {

namespace fs = std::filesystem;

namespace {

// An arrivals monitor whose controller is the test.
class MonitorProcess {
  public:
    explicit MonitorProcess(const ReceivingSite& site) : site_(site) {
        fs::create_directories(work_dir());
        std::pair<process::UniqueFd, process::UniqueFd> ends = process::socket_pair();
        its_end_ = std::move(ends.second);
        channel_.emplace(
            loop_, std::move(ends.first), [this](process::Message&& message) { on_message_(message); },
            [this] { loop_.stop(); });
        configure();
    }

    void on_message(std::function<void(const process::Message&)> handler) {
        on_message_ = std::move(handler);
    }
    void send(const process::Message& message) { channel_->send(message); }
    /// From its start to its end, which comes at the latest when its controller goes, after a minute; gives
    /// its exit code.
    int run() {
        const pid_t pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            ::_exit(become_monitor());
        }
        its_end_.reset();
        loop_.call_after(std::chrono::minutes{1}, [this] { loop_.stop(); });
        loop_.run();
        channel_.reset();
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    [[nodiscard]] fs::path work_dir() const { return scratch_ / "work"; }

    void configure() {
        const config::StreamSettings& settings = site_.settings();
        process::Configure configure;
        configure.settings = config::serialize_settings(
            {{"global", {{"general_poll_interval", {"100ms"}}}},
             {"data_stream", {{"name", {"p"}}, {"directory", {settings.directory.string()}}}},
             {"incoming",
              {{"directory", {settings.incoming.directory.string()}},
               {"control_file_extension", {settings.incoming.control_file_extension}},
               {"receipt_file_extension", {settings.incoming.receipt_file_extension}},
               {"thankyou_file_extension", {settings.incoming.thankyou_file_extension}},
               {"stop_file", {settings.incoming.stop_file}}}}});
        configure.work_dir = work_dir().string();
        send(configure);
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
            return arrivals::run_arrivals_process("p");
        } catch (const std::exception&) {
            return 98;
        }
    }

    const ReceivingSite& site_;
    Scratch scratch_;
    process::EventLoop loop_;
    process::UniqueFd its_end_;
    std::pair<process::UniqueFd, process::UniqueFd> log_ = process::socket_pair();
    std::optional<process::Channel> channel_;
    std::function<void(const process::Message&)> on_message_ = [](const process::Message&) {};
};

// The incoming directory goes, a file has its name, and then nothing has. It is watched on by the controller,
// so that the monitor is told of changes.
class LostAndFound {
  public:
    LostAndFound(const ReceivingSite& site, MonitorProcess& monitor)
        : incoming_(site.settings().incoming.directory), monitor_(monitor) {}

    void on_message(const process::Message& message) {
        const auto* const report = std::get_if<process::StreamReport>(&message);
        const bool has_failed = report != nullptr && report->state == process::StreamState::failed;
        if (stage_ == Stage::works && report != nullptr && report->delivered_units == 1) {
            fs::rename(incoming_, incoming_.string() + ".aside");
            write_file(incoming_, "in the way");
            go_on(Stage::fails);
        } else if (stage_ == Stage::fails && has_failed) {
            CHECK(report->delivered_units == 1);
            CHECK(report->delivered_bytes == 5);
            go_on(Stage::has_failed);
        } else if (stage_ == Stage::has_failed && std::holds_alternative<process::Heartbeat>(message)) {
            fs::remove(incoming_);
            stage_ = Stage::mended;
        } else if (stage_ == Stage::mended && report != nullptr && !has_failed) {
            CHECK(report->delivered_units == 1);
            CHECK(report->delivered_bytes == 5);
            stage_ = Stage::works_again;
            monitor_.send(process::Stop{});
        }
    }
    [[nodiscard]] bool is_over() const { return stage_ == Stage::works_again; }

  private:
    enum class Stage : std::uint8_t { works, fails, has_failed, mended, works_again };

    void go_on(Stage stage) {
        stage_ = stage;
        monitor_.send(process::Changed{{"x"}});
    }

    fs::path incoming_;
    MonitorProcess& monitor_;
    Stage stage_ = Stage::works;
};

}  // namespace

TEST_CASE("a monitor that cannot begin anew answers all the same, and knows what it had accepted") {
    const ReceivingSite site;
    site.send("hello", hello_control(".f.1.rcpt"));
    MonitorProcess monitor(site);
    LostAndFound story(site, monitor);
    monitor.on_message([&](const process::Message& message) { story.on_message(message); });
    CHECK(monitor.run() == 0);
    CHECK(story.is_over());
    CHECK(read_file(site.delivered("f")) == "hello");
}

}  // namespace mistamover::test
