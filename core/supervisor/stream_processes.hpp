// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "process/event_loop.hpp"
#include "supervisor/child.hpp"
#include "supervisor/child_group.hpp"
#include "supervisor/health.hpp"
#include "supervisor/log_service.hpp"
#include "supervisor/reload_difference.hpp"
#include "supervisor/stopped_mark.hpp"
#include "supervisor/unit_holds.hpp"
#include "supervisor/watched_directories.hpp"

namespace mistamover::supervisor {

/// The processes of one kind, at most one a stream: starts them, restarts those that die or hang, watches
/// directories for them, replaces those whose settings have changed, and stops them.
class StreamProcesses final : public ChildGroup {
  public:
    struct Options {
        bool one_off = false;
        std::filesystem::path run_dir;
    };
    using LeftHandler = std::function<void(const std::string& stream, const process::UnitLeft& unit)>;

    /// `on_left`: one-off, something was not delivered. The references must outlive the object.
    StreamProcesses(process::EventLoop& loop, Watcher& watcher, LogService& log, const ChildKind& kind,
                    Options options, LeftHandler on_left);
    ~StreamProcesses();
    StreamProcesses(const StreamProcesses&) = delete;
    StreamProcesses& operator=(const StreamProcesses&) = delete;

    enum class Begin : std::uint8_t { at_once, later };
    /// Starts a process for the stream, if it is to have one; or, later, has begin() start it.
    void add(const config::Stream& stream, Begin when = Begin::at_once);
    /// Starts the process of a stream that was added to begin later, once.
    void begin(const std::string& stream);
    /// Starts again those that SIGUSR1 has stopped, and those that have failed. Until then, or until its
    /// settings change, such a stream stays as it is; a stopped one even if its process or the controller
    /// dies.
    void resume();
    /// Forgets what SIGUSR1 has stopped: for a start that follows a clean end.
    static void forget_stopped(const std::filesystem::path& run_dir);

    /// Has the process that works in the directory hold units back that are to be deleted, until
    /// release_units. `on_held` is called, now or later, with those that nobody sends. What is held is so for
    /// a process, too, that comes to work there meanwhile.
    void hold_units(const std::string& directory, const UnitHolds::Names& names, UnitHolds::OnHeld on_held);
    void release_units(const std::string& directory);
    /// That of the stream's process, whether there is one or not.
    [[nodiscard]] std::filesystem::path work_dir(const std::string& name) const;

    void set_grace(std::chrono::milliseconds grace) override { keeper_.set_grace(grace); }
    void apply(const config::Configuration& fresh) override;
    void process_ended(pid_t pid, int status) override;
    /// The log may hold up what seems to hang. Tries again, too, to watch what could not be watched.
    void check_health() override;
    /// Starts anew the processes whose directory is another one now.
    void mounts_changed() override { directories_.mounts_changed(children_); }
    void stop() override;
    [[nodiscard]] bool done() const override;
    [[nodiscard]] std::vector<pid_t> pids() const override { return pids_of(children_); }
    /// One-off: something was left, failed or quarantined.
    [[nodiscard]] bool something_left() const noexcept { return something_left_; }
    [[nodiscard]] const Children& children() const noexcept { return children_; }

  private:
    [[nodiscard]] std::map<std::string, StreamInForce> in_force() const;
    [[nodiscard]] std::string description(const std::string& stream) const;
    [[nodiscard]] std::string directory_of(const config::Stream& stream) const;
    [[nodiscard]] StreamChild* child_in(const std::string& directory) const;
    void start(StreamChild& child);
    void spawn(StreamChild& child);
    void start_with_next(StreamChild& child);
    void replace(StreamChild& child, const config::Stream& stream);
    void note_stopped(StreamChild& child) const;
    void died(StreamChild& child, int status);
    void not_started(StreamChild& child, const std::string& problem);
    void start_again(StreamChild& child, const std::string& why);
    static void note_error(StreamChild& child, const std::string& error);
    void on_message(StreamChild& child, process::Message&& message);
    void start_anew(StreamChild& child);
    [[nodiscard]] bool works_in(const StreamChild& child, const std::string& directory) const;
    [[nodiscard]] bool directory_is_in_use(const StreamChild& child) const;
    [[nodiscard]] StoppedMark stopped_mark(const std::string& name) const;

    LogService& log_;
    const ChildKind& kind_;
    Options options_;
    LeftHandler on_left_;
    ProcessKeeper keeper_;
    WatchedDirectories directories_;
    Children children_;
    UnitHolds holds_;
    HealthCheck health_;
    bool stopping_ = false;
    bool something_left_ = false;
};

}  // namespace mistamover::supervisor
