// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <sys/types.h>

#include "config/load.hpp"
#include "disk_space/file_systems.hpp"
#include "process/event_loop.hpp"
#include "supervisor/child_group.hpp"
#include "supervisor/health.hpp"
#include "supervisor/log_service.hpp"
#include "supervisor/process_keeper.hpp"
#include "supervisor/stream_processes.hpp"

namespace mistamover::supervisor {

/// What the controller knows of one file system and of the process that monitors it.
struct SpaceChild : ChildProcess {
    disk_space::FileSystem file_system;
    std::string settings;  ///< The global ones, serialized.
    process::DiskSpaceReport report;
    std::set<std::string> holds;  ///< Directories in which it has units held.
    bool finished = false;
    bool replaced = false;  ///< It ends in order to start again with other settings.
    bool removed = false;   ///< It is to go, with its process, for good.
};

using SpaceChildren = std::map<std::string, std::unique_ptr<SpaceChild>>;  ///< By the file system's label.

/// The disk space monitors, one a file system that holds a directory of a stream: groups the streams, again
/// whenever the configuration or the mounts change, and starts, restarts, replaces and stops the processes.
class DiskSpaceMonitors final : public ChildGroup {
  public:
    /// `transfers` hold back the units that are deleted. The references must outlive the object.
    DiskSpaceMonitors(process::EventLoop& loop, LogService& log, StreamProcesses& transfers,
                      const std::filesystem::path& run_dir);
    ~DiskSpaceMonitors();
    DiskSpaceMonitors(const DiskSpaceMonitors&) = delete;
    DiskSpaceMonitors& operator=(const DiskSpaceMonitors&) = delete;

    void set_grace(std::chrono::milliseconds grace) override { keeper_.set_grace(grace); }
    void apply(const config::Configuration& configuration) override;
    /// After an apply.
    void mounts_changed() override { regroup(); }
    void process_ended(pid_t pid, int status) override;
    /// Here the log is no excuse for what hangs.
    void check_health() override;
    void stop() override;
    [[nodiscard]] bool done() const override;
    [[nodiscard]] std::vector<pid_t> pids() const override { return pids_of(children_); }
    [[nodiscard]] const SpaceChildren& children() const noexcept { return children_; }

  private:
    void regroup();
    void take(const std::string& label, disk_space::FileSystem&& wanted);
    void start(const std::string& label);
    void spawn(const std::string& label, SpaceChild& child);
    void on_message(const std::string& label, process::Message&& message);
    void hold(const std::string& label, const process::HoldUnits& wanted);
    void release_all(SpaceChild& child);

    LogService& log_;
    StreamProcesses& transfers_;
    std::filesystem::path work_dir_;
    ProcessKeeper keeper_;
    std::vector<config::Stream> in_force_;
    std::vector<process::MonitorStream> monitored_;  ///< What of these is to be monitored.
    std::string settings_;
    SpaceChildren children_;
    HealthCheck health_;
    bool stopping_ = false;
};

}  // namespace mistamover::supervisor
