// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

#include "config/load.hpp"
#include "process/channel.hpp"
#include "supervisor/directory_watch.hpp"
#include "supervisor/restart_policy.hpp"

namespace mistamover::supervisor {

/// "exit code 3", "signal 9 (Killed)": from a status of waitpid.
std::string how_it_ended(int status);

/// What the controller knows of one stream and of the process that carries it out.
struct StreamChild {
    config::Stream stream;
    pid_t pid = -1;  ///< -1: no process at present.
    std::unique_ptr<process::Channel> channel;
    process::StreamReport report;
    std::optional<process::Finished> finished;
    RestartPolicy restart;
    std::uint64_t restarts = 0;
    std::chrono::steady_clock::time_point started;
    std::chrono::steady_clock::time_point heard;  ///< When it last said anything.
    process::EventLoop::TimerId start_timer = 0;
    process::EventLoop::TimerId kill_timer = 0;
    std::optional<process::WatchRequest> wants_watch;
    std::unique_ptr<DirectoryWatch> watch;  ///< None: it polls.
    std::optional<config::Stream> next;     ///< The settings to start again with once it has ended.
    bool removed = false;                   ///< It is to go, with its process, for good.
};

using Children = std::map<std::string, std::unique_ptr<StreamChild>>;  ///< By the stream's name.

}  // namespace mistamover::supervisor
