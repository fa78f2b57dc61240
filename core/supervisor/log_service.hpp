// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "config/settings.hpp"
#include "logging/client.hpp"
#include "process/event_loop.hpp"
#include "process/unique_fd.hpp"
#include "supervisor/restart_policy.hpp"

namespace mistamover::supervisor {

/// The controller's side of the log: both ends of the socket that every process writes to, the log server
/// that reads it, which is started again whenever it ends, and the controller's own log.
class LogService {
  public:
    /// `server_arguments`: see run_log_server_process. `loop` must outlive the object. Starts nothing yet;
    /// what is logged meanwhile waits. Throws std::system_error.
    LogService(process::EventLoop& loop, std::vector<std::string> server_arguments);
    ~LogService();
    LogService(const LogService&) = delete;
    LogService& operator=(const LogService&) = delete;

    /// `global`: the sections of the global file, which the log server gets. To be called before
    /// start_server, and whenever they have changed.
    void use_settings(const config::SettingsMap& global, LogLevel level);
    /// Throws std::system_error.
    void start_server();
    /// True where it was the log server that ended so; it will be started again.
    bool process_ended(pid_t pid, int status);
    /// Why nothing is written at present, as the log server tells; empty: all is well.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    /// Whether another process that writes to the log may be waiting for it at present: there is no room in
    /// the socket, since nothing is written, or not as fast as it comes.
    [[nodiscard]] bool may_hold_up_writers() const;
    /// `handler` is called with every problem that comes up.
    void on_problem(std::function<void(const std::string& problem)> handler) {
        on_problem_ = std::move(handler);
    }
    /// Has all log files opened again.
    void reopen_files() const;
    /// The end of all logging: waits until the log server has written everything and has ended, but no longer
    /// than `limit`.
    void finish(std::chrono::milliseconds limit);

    [[nodiscard]] const logging::Logger& log() const { return *log_; }
    /// -1: there is none at present.
    [[nodiscard]] pid_t server() const noexcept { return server_; }
    /// What another process is given to write to; it stays this object's.
    [[nodiscard]] int socket() const { return socket_->fd(); }

  private:
    void start_server_soon();
    void send_settings() const;
    void hear_server();
    void part_from_server();
    void drain_soon();

    process::EventLoop& loop_;
    std::vector<std::string> server_arguments_;
    process::UniqueFd reading_;
    std::optional<logging::LogSocket> socket_;
    std::optional<logging::Logger> log_;
    std::string settings_;
    process::UniqueFd control_;
    std::string problem_;
    std::function<void(const std::string& problem)> on_problem_;
    pid_t server_ = -1;
    /// The first time at once, since nothing watches over the controller until then.
    RestartPolicy restart_{RestartPolicy::First::at_once};
    process::EventLoop::Clock::time_point server_started_;
    process::EventLoop::TimerId start_timer_ = 0;
    process::EventLoop::TimerId drain_timer_ = 0;
};

}  // namespace mistamover::supervisor
