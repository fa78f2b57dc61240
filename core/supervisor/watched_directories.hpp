// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <set>
#include <string>

#include "process/event_loop.hpp"
#include "supervisor/child.hpp"
#include "supervisor/log_service.hpp"
#include "supervisor/watcher.hpp"

namespace mistamover::supervisor {

/// Watches the directories of streams for their processes, and tells these what changes there, or that they
/// have to poll.
class WatchedDirectories {
  public:
    /// What has the name of the child's directory is another one now, which only a new process opens.
    using OnGone = std::function<void(StreamChild& child)>;

    /// The references must outlive the object, and it the watches of the children.
    WatchedDirectories(process::EventLoop& loop, Watcher& watcher, LogService& log, OnGone on_gone);

    /// As the child's process, which there is, asks for.
    void watch(StreamChild& child, const process::WatchRequest& wanted);
    /// For what could not be watched.
    void try_again(StreamChild& child);
    /// Something was mounted or unmounted.
    void mounts_changed(const Children& children);
    /// The process that has asked ends, or has gone.
    static void forget(StreamChild& child);

  private:
    std::string try_to_watch(StreamChild& child);
    void refuse(StreamChild& child, const std::string& problem);
    void on_events(StreamChild& child, const Watcher::Events& events);
    static void tell_changes(StreamChild& child, const Watcher::Events& events);

    process::EventLoop& loop_;
    Watcher& watcher_;
    LogService& log_;
    OnGone on_gone_;
    std::set<std::string> told_refusals_;  ///< Why directories could not be watched, as far as it was told.
};

}  // namespace mistamover::supervisor
