// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrivals_process.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <utility>

#include "arrivals/arrivals_monitor.hpp"
#include "files/mounts.hpp"
#include "process/channel.hpp"
#include "process/heartbeats.hpp"
#include "process/spawn.hpp"
#include "process/work_lock.hpp"
#include "process/work_wait.hpp"

namespace mistamover::arrivals {
namespace {

using namespace std::chrono_literals;
using Clock = ArrivalsMonitor::Clock;

constexpr auto tick_interval = 250ms;
constexpr auto poll_interval = 500ms;  // an answer is promised within a second
constexpr auto receipts_interval = 1h;
constexpr auto report_interval = 250ms;
constexpr auto begin_pause = 500ms;  // whoever takes a directory away has the time to make it anew
// Nothing tells an idle process that a directory above its own was renamed. A sender waits 500 s for a
// receipt.
constexpr auto directories_interval = 240s;

class ArrivalsProcess {
  public:
    explicit ArrivalsProcess(std::string name)
        : name_(std::move(name)),
          log_socket_(process::log_fd, logging::LogSocket::WhenFull::wait),
          results_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    int run() {
        loop_.handle_signals({SIGTERM, SIGINT, SIGUSR1}, [this](int, int) { loop_.stop(); });
        channel_.emplace(
            loop_, process::UniqueFd(process::channel_fd),
            [this](process::Message&& message) { on_message(message); }, [this] { loop_.stop(); });
        loop_.watch(results_.get(), EPOLLIN, [this](std::uint32_t) { on_results(); });
        loop_.run();
        if (monitor_) {
            report();
        }
        channel_->flush_blocking();
        return failed_ ? 1 : 0;
    }

  private:
    void on_message(const process::Message& message) {
        if (const auto* configure = std::get_if<process::Configure>(&message)) {
            or_refuse([&] { set_up(*configure); });
            heartbeats_.emplace(loop_, *channel_, process::idle_heartbeat_interval);
        } else if (std::holds_alternative<process::Stop>(message) ||
                   std::holds_alternative<process::StopStream>(message)) {
            // What is in hand is in the journal.
            loop_.stop();
        } else if (monitor_) {
            on_change(message);
        } else {
            channel_->send(process::Heartbeat{});  // the controller waits for an answer, whatever it has told
        }
    }

    void on_change(const process::Message& message) {
        if (begins_anew()) {
            return;
        }
        if (const auto* changed = std::get_if<process::Changed>(&message)) {
            if (!done_or_told([&] { monitor_->changed(changed->names, Clock::now()); })) {
                scan_later();  // some of them have not been looked at
            }
            go_on();
        } else if (std::holds_alternative<process::Rescan>(message)) {
            polling_ = monitor_->is_remote();
            scan();
        } else if (const auto* failed = std::get_if<process::WatchFailed>(&message)) {
            log_->warning("the incoming directory cannot be watched (" + failed->reason +
                          "): it is looked at all the time instead");
            polling_ = true;
            scan();
        }
    }

    void or_refuse(const std::function<void()>& step) {
        try {
            step();
        } catch (const std::exception& error) {
            refuse(error.what());
        }
    }

    // False where it failed, which is told once for as long as it lasts.
    bool done_or_told(const std::function<void()>& step) {
        try {
            step();
        } catch (const std::system_error& error) {
            if (std::exchange(told_, error.what()) != error.what()) {
                log_->error(error.what());
            }
            return false;
        }
        told_.clear();
        return true;
    }

    void set_up(const process::Configure& configure) {
        settings_ = config::stream_settings(config::parse_settings(configure.settings));
        one_off_ = configure.one_off;
        log_.emplace(log_socket_, "arrmon_" + settings_.name, settings_.global.logging.level);
        work_dir_ = configure.work_dir;
        begin_or_look_again();
    }

    // What keeps it from starting, as a disk that is not mounted yet or another receiver, may go.
    void begin_or_look_again() {
        try {
            begin();
        } catch (const std::exception& error) {
            end_monitor();
            if (one_off_) {
                throw;
            }
            look_again(error.what());
        }
    }

    void look_again(const std::string& obstacle) {
        const std::chrono::milliseconds pause = settings_.global.general_poll_interval;
        wait_.over();
        if (std::exchange(obstacle_, obstacle) != obstacle) {
            tell_failure(obstacle + "; it is tried again every " + format_duration(pause));
        }
        loop_.call_after(pause, [this] { begin_or_look_again(); });
    }

    void end_monitor() {
        for (process::EventLoop::TimerId* timer :
             {&tick_timer_, &poll_timer_, &report_timer_, &receipts_timer_, &directories_timer_}) {
            loop_.cancel(std::exchange(*timer, 0));
        }
        accepted_ = accepted();
        monitor_.reset();
    }

    // True where one of its directories has become another one, or has gone. What is in hand is in the
    // journal, and none that has not been delivered is answered before it has arrived in what is there now.
    bool begins_anew() {
        const std::string lost = monitor_->lost_directory();
        if (lost.empty()) {
            return false;
        }
        log_->warning("the directory " + lost + " has gone, or is another one now: it begins anew");
        end_monitor();
        loop_.call_after(begin_pause, [this] { or_refuse([this] { begin_or_look_again(); }); });
        return true;
    }

    void look_after_directories() {
        directories_timer_ = loop_.call_after(directories_interval, [this] {
            if (!begins_anew()) {
                look_after_directories();
            }
        });
    }

    void begin() {
        if (!lock_.valid()) {
            lock_ = process::try_work_lock(work_dir_);
        }
        if (!lock_.valid()) {
            wait_.try_again("an earlier process", [this] { or_refuse([&] { begin_or_look_again(); }); });
            return;
        }
        wait_.over();
        files::check_mounted(settings_.incoming.directory, "incoming.directory");
        files::check_mounted(settings_.directory, "data_stream.directory");
        monitor_.emplace(settings_, *log_, [fd = results_.get()] { ::eventfd_write(fd, 1); });
        monitor_->recover(Clock::now());
        if (!std::exchange(obstacle_, "").empty()) {
            log_->info("nothing keeps it from starting any more");
        }
        if (!one_off_) {
            channel_->send(process::WatchRequest{settings_.incoming.directory.string(), false, ""});
        }
        remove_old_receipts();
        look_after_directories();
        scan();
    }

    void tell_failure(const std::string& reason) {
        logging::Logger(log_socket_, "arrmon_" + name_, LogLevel::debug).critical("cannot start: " + reason);
        process::StreamReport report;
        report.state = process::StreamState::failed;
        report.reason = report.last_error = reason;
        send(std::move(report));
    }

    void refuse(const std::string& reason) {
        tell_failure(reason);
        if (one_off_) {
            channel_->send(process::UnitLeft{settings_.incoming.directory.string(), reason});
            channel_->send(process::Finished{false});
            failed_ = true;
            loop_.stop();
        }
        // Otherwise it waits, visibly, for its configuration to be mended.
    }

    void remove_old_receipts() {
        done_or_told([this] { monitor_->remove_old_receipts(); });
        const std::chrono::milliseconds pause = std::clamp<std::chrono::milliseconds>(
            settings_.incoming.receipt_max_age / 2, 100ms, receipts_interval);
        receipts_timer_ = loop_.call_after(pause, [this] { remove_old_receipts(); });
    }

    void on_results() {
        eventfd_t count = 0;
        ::eventfd_read(results_.get(), &count);
        if (monitor_) {
            monitor_->take_results();
            go_on();
        }
    }

    void scan() {
        if (begins_anew()) {
            return;
        }
        const bool done = done_or_told([this] { monitor_->scan(Clock::now()); });
        if (polling_ || !done) {
            scan_later();
        }
        go_on();
    }

    void scan_later() {
        loop_.cancel(poll_timer_);
        poll_timer_ = loop_.call_after(poll_interval, [this] { scan(); });
    }

    void go_on() {
        if (monitor_->waits() && tick_timer_ == 0) {
            tick_timer_ = loop_.call_after(tick_interval, [this] {
                tick_timer_ = 0;
                tick();
            });
        }
        if (report_timer_ == 0) {
            report_timer_ = loop_.call_after(report_interval, [this] {
                report_timer_ = 0;
                report();
            });
        }
        if (one_off_ && monitor_->only_stuck()) {
            finish();
        }
    }

    void tick() {
        if (begins_anew()) {
            return;
        }
        done_or_told([this] { monitor_->tick(Clock::now()); });
        go_on();
    }

    void finish() {
        const std::vector<ArrivalsMonitor::Left> left = monitor_->left();
        for (const ArrivalsMonitor::Left& file : left) {
            channel_->send(process::UnitLeft{file.name, file.reason});
        }
        channel_->send(process::Finished{left.empty()});
        loop_.stop();
    }

    void report() {
        process::StreamReport message;
        const std::vector<ArrivalsMonitor::Left> left = monitor_->left();
        message.state = left.empty() ? process::StreamState::idle : process::StreamState::waiting;
        if (!left.empty()) {
            message.reason = left.front().name + ": " + left.front().reason;
        }
        message.backlog_units = left.size();
        message.last_error = monitor_->last_error().text();
        message.last_error_time = monitor_->last_error().time();
        send(std::move(message));
    }

    void send(process::StreamReport report) {
        const Accepted all = accepted();
        report.delivered_units = all.files;
        report.delivered_bytes = all.bytes;
        channel_->send(report);
    }

    struct Accepted {
        std::uint64_t files = 0;
        std::uint64_t bytes = 0;
    };
    // By this process, however often it has begun anew.
    [[nodiscard]] Accepted accepted() const {
        Accepted all = accepted_;
        if (monitor_) {
            all.files += monitor_->answers().accepted_files();
            all.bytes += monitor_->answers().accepted_bytes();
        }
        return all;
    }

    std::string name_;
    logging::LogSocket log_socket_;
    process::EventLoop loop_;
    process::UniqueFd results_;
    std::optional<process::Channel> channel_;
    std::optional<process::Heartbeats> heartbeats_;
    config::StreamSettings settings_;
    std::string work_dir_;
    process::UniqueFd lock_;
    std::optional<logging::Logger> log_;
    process::WorkWait wait_{loop_, [this](const std::string& text) { log_->info(text); }};
    std::string obstacle_;  ///< What keeps it from starting.
    std::optional<ArrivalsMonitor> monitor_;
    Accepted accepted_;  ///< By monitors that have ended.
    std::string told_;
    process::EventLoop::TimerId tick_timer_ = 0;
    process::EventLoop::TimerId poll_timer_ = 0;
    process::EventLoop::TimerId report_timer_ = 0;
    process::EventLoop::TimerId receipts_timer_ = 0;
    process::EventLoop::TimerId directories_timer_ = 0;
    bool one_off_ = false;
    bool polling_ = false;
    bool failed_ = false;
};

}  // namespace

int run_arrivals_process(const std::string& stream_name) {
    process::set_process_name("mm:" + stream_name + "<");
    return ArrivalsProcess(stream_name).run();
}

}  // namespace mistamover::arrivals
