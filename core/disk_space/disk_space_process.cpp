// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/disk_space_process.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "config/settings.hpp"
#include "disk_space/disk_space_monitor.hpp"
#include "disk_space/file_systems.hpp"
#include "disk_space/local_disk.hpp"
#include "logging/client.hpp"
#include "process/channel.hpp"
#include "process/heartbeats.hpp"
#include "process/spawn.hpp"
#include "process/work_lock.hpp"
#include "process/work_wait.hpp"

namespace mistamover::disk_space {
namespace {

using namespace std::chrono_literals;
using Clock = DiskSpaceMonitor::Clock;

constexpr auto longest_wait_for_hold = 5s;
constexpr auto longest_batch = 1s;   // so that what the controller says is heard
constexpr auto longest_step = 10ms;  // of CPU time: see Settings::step
constexpr auto log_retry = 100ms;

// A file system without levels is looked at only to remove what is left of earlier monitors.
DiskSpaceMonitor::Settings settings_of(const config::DiskSpaceSettings& disk_space) {
    return {
        {disk_space.level_good.value_or(ByteCount{}).bytes, disk_space.level_low.value_or(ByteCount{}).bytes,
         disk_space.level_vlow.value_or(ByteCount{}).bytes},
        disk_space.base_priority,
        disk_space.poll_interval,
        longest_step};
}

class DiskSpaceProcess {
  public:
    // A log that cannot be written, since the disk is full, must not keep it from making room.
    DiskSpaceProcess(std::string label, std::string mount_point)
        : label_(std::move(label)),
          mount_point_(std::move(mount_point)),
          log_socket_(process::log_fd, logging::LogSocket::WhenFull::queue) {
        log_socket_.on_queued([this] { flush_log_soon(); });
    }

    int run() {
        std::signal(SIGIO, SIG_IGN);  // sent when somebody opens a file while its lease is asked for
        loop_.handle_signals({SIGTERM, SIGINT, SIGUSR1}, [this](int, int) { end(); });
        channel_.emplace(
            loop_, process::UniqueFd(process::channel_fd),
            [this](process::Message&& message) { on_message(message); }, [this] { end(); });
        loop_.run();
        channel_->flush_blocking();
        return 0;
    }

  private:
    void on_message(process::Message& message) {
        if (const auto* configure = std::get_if<process::Configure>(&message)) {
            settings_ = config::parse_settings(configure->settings);
            work_dir_ = configure->work_dir;
        } else if (auto* stream = std::get_if<process::MonitorStream>(&message)) {
            streams_.push_back(std::move(*stream));
        } else if (std::holds_alternative<process::StreamsKnown>(message)) {
            start();
        } else if (const auto* held = std::get_if<process::UnitsHeld>(&message)) {
            on_held(*held);
        } else if (std::holds_alternative<process::Stop>(message)) {
            end();
        }
    }

    void end() {
        ending_ = true;
        loop_.stop();
    }

    void start() {
        try {
            if (!log_) {
                log_.emplace(log_socket_, "dsm_" + label_, config::global_settings(settings_).logging.level);
                heartbeats_.emplace(loop_, *channel_, process::heartbeat_interval);
            }
            lock_ = process::try_work_lock(work_dir_.string());
            if (!lock_.valid()) {
                wait_.try_again("an earlier process", [this] { start(); });
                return;
            }
            wait_.over();
            set_up();
            if (ending_) {
                return;
            }
            poll();
        } catch (const std::exception& error) {
            logging::Logger(log_socket_, "dsm_" + label_, LogLevel::debug)
                .critical(std::string("cannot go on: ") + error.what());
            throw;
        }
        if (streams_.empty()) {
            channel_->send(process::Finished{true});
            loop_.stop();
        }
    }

    void set_up() {
        for (const std::string& directory : take_out_what_lies_elsewhere(mount_point_, streams_)) {
            log_->error(
                directory + " is not monitored: it does not lie on " + mount_point_ +
                ", but where a link leads that is on a network or FUSE file system; name the directory "
                "itself in the configuration");
        }
        hold_.emplace(work_dir_.string());
        disk_.emplace(label_, mount_point_, streams_, work_dir_.parent_path() / ".placed");
        const auto log = [this](LogLevel level, std::string_view text) { log_->log(level, text); };
        disk_->while_deleting([this] { return attend(); });
        disk_->recover(log);
        const DiskSpaceMonitor::Settings settings = settings_of(config::disk_space_settings(settings_));
        log_->info("watching " + mount_point_ + " for " + std::to_string(streams_.size()) + " streams");
        monitor_.emplace(settings, streams_, *disk_, log);
    }

    // While a directory is deleted, which may take long. A stop lets it go to its end, for nobody may be
    // there to end it later; false: the controller has gone, and what comes after it waits.
    bool attend() {
        if (Clock::now() >= attended_at_ + longest_batch) {
            attended_at_ = Clock::now();
            channel_->send(process::Heartbeat{});
            channel_->receive();
        }
        return channel_->connected();
    }

    void poll() {
        try {
            monitor_->poll(Clock::now());
        } catch (const std::system_error& error) {
            log_->error(error.what());
            loop_.call_after(config::disk_space_settings(settings_).poll_interval, [this] { poll(); });
            return;
        }
        channel_->send(monitor_->report());
        go_on_deleting();
    }

    void go_on_deleting() {
        batch_ = monitor_->next_deletions();
        if (batch_.units.empty()) {
            channel_->send(monitor_->report());
            loop_.call_after(monitor_->pause(), [this] { poll(); });
            return;
        }
        process::HoldUnits hold{++request_, monitor_->streams()[batch_.stream].data_dir, {}};
        for (const Unit& unit : batch_.units) {
            if (unit.place == UnitPlace::data) {
                hold.names.push_back(unit.name);
            }
        }
        if (!hold.names.empty()) {
            channel_->send(hold);
        }
        const std::chrono::milliseconds wait = hold.names.empty() ? 0ms : longest_wait_for_hold;
        hold_timer_ = loop_.call_after(wait, [this] {
            batch_.unanswered = true;
            delete_batch({});
        });
    }

    void on_held(const process::UnitsHeld& held) {
        if (held.request == request_ && hold_timer_ != 0) {
            loop_.cancel(hold_timer_);
            // So it is where the process died, or an earlier controller's still works there. That every one
            // of very many is under way is rare, and the next poll asks for them again.
            batch_.unanswered = held.names.empty();
            delete_batch({held.names.begin(), held.names.end()});
        }
    }

    // A unit of the stream's directory goes only if its transfer process does not send it meanwhile. One that
    // a later controller starts knows nothing of that: as long as this controller is there, there is none,
    // and then it is held back.
    void delete_batch(const std::set<std::string>& held) {
        hold_timer_ = 0;
        const process::MonitorStream& stream = monitor_->streams()[batch_.stream];
        if (!held.empty() && !hold_->take(stream.data_dir)) {
            wait_.try_again("another deletion in " + stream.data_dir, [this, held] { delete_batch(held); });
            return;
        }
        wait_.over();
        if (ending_ || !channel_->connected()) {
            end();
            return;
        }
        monitor_->carry_out(
            batch_,
            [&](const Unit& unit) { return unit.place != UnitPlace::data || held.contains(unit.name); },
            [this, until = Clock::now() + longest_batch] { return !ending_ && Clock::now() < until; });
        hold_->release();
        channel_->send(process::ReleaseUnits{stream.data_dir});
        channel_->send(monitor_->report());
        loop_.call_after(0ms, [this] { go_on_deleting(); });
    }

    void flush_log_soon() {
        if (log_timer_ == 0) {
            log_timer_ = loop_.call_after(log_retry, [this] {
                log_timer_ = 0;
                if (!log_socket_.flush()) {
                    flush_log_soon();
                }
            });
        }
    }

    std::string label_;
    std::string mount_point_;
    process::EventLoop loop_;
    logging::LogSocket log_socket_;
    std::optional<process::Channel> channel_;
    std::optional<process::Heartbeats> heartbeats_;
    config::SettingsMap settings_;
    std::filesystem::path work_dir_;
    std::vector<process::MonitorStream> streams_;
    process::UniqueFd lock_;
    std::optional<process::WorkHold> hold_;
    process::WorkWait wait_{loop_, [this](const std::string& text) { log_->info(text); }};
    std::optional<logging::Logger> log_;
    std::optional<LocalDisk> disk_;
    std::optional<DiskSpaceMonitor> monitor_;
    DiskSpaceMonitor::Batch batch_;
    std::uint64_t request_ = 0;
    process::EventLoop::TimerId hold_timer_ = 0;
    process::EventLoop::TimerId log_timer_ = 0;
    Clock::time_point attended_at_;
    bool ending_ = false;
};

}  // namespace

int run_disk_space_process(const std::string& label, const std::string& mount_point) {
    process::set_process_name("mm:dsm_" + label);
    return DiskSpaceProcess(label, mount_point).run();
}

}  // namespace mistamover::disk_space
