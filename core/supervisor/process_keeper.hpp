// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "process/channel.hpp"
#include "supervisor/health.hpp"
#include "supervisor/log_service.hpp"
#include "supervisor/restart_policy.hpp"

namespace mistamover::supervisor {

/// "exit code 3", "signal 9 (Killed)": from a status of waitpid.
std::string how_it_ended(int status);

/// What the controller knows of a child that it is joined to by a channel, whatever the child is for.
struct ChildProcess {
    pid_t pid = -1;  ///< -1: no process at present.
    std::unique_ptr<process::Channel> channel;
    RestartPolicy restart;
    std::uint64_t restarts = 0;
    std::chrono::steady_clock::time_point started;
    Contact contact;
    process::EventLoop::TimerId start_timer = 0;
    process::EventLoop::TimerId kill_timer = 0;
};

/// How children are started, started again, told to end, and killed where they do not: the same for all
/// kinds. `description` is for the log: "the disk space monitor dsm_root".
class ProcessKeeper {
  public:
    using MessageHandler = std::function<void(process::Message&& message)>;

    /// The references must outlive the object.
    ProcessKeeper(process::EventLoop& loop, LogService& log) : loop_(loop), log_(log) {}

    /// How long a process that is to end may take before it is killed.
    void set_grace(std::chrono::milliseconds grace) noexcept { grace_ = grace; }

    /// Calls `spawn`, which throws where it fails. Returns why it did; empty: it did not. A process that is
    /// there nevertheless is killed, and will end.
    [[nodiscard]] std::string start(ChildProcess& child, const std::string& description,
                                    const std::function<void()>& spawn);
    /// `arguments`: a hidden verb and its own. Makes `work_dir`, for this user alone. Throws.
    void spawn(ChildProcess& child, const std::vector<std::string>& arguments,
               const std::filesystem::path& work_dir, MessageHandler on_message);
    void start_later(ChildProcess& child, std::chrono::milliseconds pause, std::function<void()> again);
    /// After an end that nobody asked for: the sooner, the longer the child had lived.
    void start_again(ChildProcess& child, std::function<void()> again);
    /// Tells it to end, and kills it where it does not in time.
    void stop(ChildProcess& child, const std::string& description) { stop(child, description, grace_); }
    void stop(ChildProcess& child, const std::string& description, std::chrono::milliseconds grace);
    /// It has ended: hears its last words, and puts away what was the process's.
    void ended(ChildProcess& child);
    /// In a look that health.begin() has begun. True where it hung.
    bool kill_if_it_hangs(ChildProcess& child, const std::string& description, const HealthCheck& health);
    void cancel_timers(ChildProcess& child);

  private:
    process::EventLoop& loop_;
    LogService& log_;
    std::chrono::milliseconds grace_{30'000};
};

}  // namespace mistamover::supervisor
