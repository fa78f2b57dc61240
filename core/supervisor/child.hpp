// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

#include "config/load.hpp"
#include "process/channel.hpp"
#include "supervisor/watcher.hpp"

namespace mistamover::supervisor {

/// How long to wait before the `restarts`th restart in a row (from 1). Pure.
std::chrono::milliseconds restart_delay(unsigned restarts);

/// "exit code 3", "signal 9 (Killed)": from a status of waitpid.
std::string how_it_ended(int status);

/// What the controller knows of one stream and of the process that carries it out.
struct StreamChild {
    config::Stream stream;
    pid_t pid = -1;  ///< -1: no process at present.
    std::unique_ptr<process::Channel> channel;
    process::StreamReport report;
    std::optional<process::Finished> finished;
    unsigned restarts_in_a_row = 0;
    std::uint64_t restarts = 0;
    std::chrono::steady_clock::time_point started;
    std::chrono::steady_clock::time_point heard;  ///< When it last said anything.
    process::EventLoop::TimerId restart_timer = 0;
    Watcher::WatchId watch = 0;
    std::string watched_path;
    bool stop_wanted = false;            ///< It is being stopped: for good, or to be started with `next`.
    std::optional<config::Stream> next;  ///< The settings to start again with.
    bool removed = false;
};

}  // namespace mistamover::supervisor
