// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/load.hpp"
#include "supervisor/change_sender.hpp"
#include "supervisor/directory_watch.hpp"
#include "supervisor/process_keeper.hpp"

namespace mistamover::supervisor {

/// A kind of process of which a stream may have one.
struct ChildKind {
    const char* verb;  ///< The hidden verb that it is started with.
    const char* what;  ///< For the log: "process".
    const char* work;  ///< Below run_dir: holds a directory for each process.
    /// The section whose `directory` it works in, and never two of this kind at a time.
    const char* section;
    bool (*wanted)(const config::Stream& stream);  ///< Whether the stream has such a process.
};
extern const ChildKind transfer_process;
extern const ChildKind arrivals_monitor;

/// What the controller knows of one stream and of the process that carries it out.
struct StreamChild : ChildProcess {
    config::Stream stream;
    process::StreamReport report;
    std::optional<process::Finished> finished;
    std::optional<ChangeSender> changes;  ///< Through the channel of the last process.
    std::optional<process::WatchRequest> wants_watch;
    std::unique_ptr<DirectoryWatch> watch;  ///< None: it polls.
    std::optional<config::Stream> next;     ///< The settings to start again with once it has ended.
    bool removed = false;                   ///< It is to go, with its process, for good.
    bool begins_later = false;              ///< It has no process before StreamProcesses::begin.
};

using Children = std::map<std::string, std::unique_ptr<StreamChild>>;  ///< By the stream's name.

}  // namespace mistamover::supervisor
