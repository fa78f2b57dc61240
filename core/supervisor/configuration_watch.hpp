// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "process/event_loop.hpp"
#include "supervisor/watcher.hpp"

namespace mistamover::supervisor {

/// Tells when the configuration's files, or their owners or modes, may have changed: the global file, and in
/// config_dir every *.yaml, and every *.yml, since the log warns of those. Of a directory that cannot be
/// watched, or is not there at present, and of symbolic links, it looks at the files' identities and times
/// instead, as often as it was told.
class ConfigurationWatch {
  public:
    /// `on_change` is called once the files have been left alone for a moment, since editors write one in
    /// several steps. `loop` and `watcher` must outlive the object.
    ConfigurationWatch(process::EventLoop& loop, Watcher& watcher, std::function<void()> on_change);
    ~ConfigurationWatch();
    ConfigurationWatch(const ConfigurationWatch&) = delete;
    ConfigurationWatch& operator=(const ConfigurationWatch&) = delete;

    /// From now on these. Where one of them is new, on_change will be called, since it may have changed
    /// before it was watched. `poll_interval`: where it must look by itself.
    void watch(const std::filesystem::path& file, const std::filesystem::path& config_dir,
               std::chrono::milliseconds poll_interval);
    /// Looks whether other directories have the names now, which no event tells where a symbolic link, or a
    /// directory above, was replaced: then these are watched, and on_change will be called. To be called
    /// after watch, now and then.
    void look_again();

  private:
    struct Directory {
        std::filesystem::path path;
        std::string only;  ///< The one name that counts; empty: every *.yaml and *.yml.
        Watcher::WatchId watch = 0;
        std::string identity;  ///< Of what is watched.
        std::string seen;      ///< What the files were like; while it is watched, those that links lead to.
    };
    bool aim(Directory& directory, const std::filesystem::path& path);
    bool try_watch(Directory& directory);
    bool looks_different(Directory& directory);
    void on_events(Directory& directory, const Watcher::Events& events);
    void change_soon();
    void poll_later();
    void poll();

    process::EventLoop& loop_;
    Watcher& watcher_;
    std::function<void()> on_change_;
    std::chrono::milliseconds poll_interval_{3000};
    std::array<Directory, 2> directories_;
    process::EventLoop::TimerId change_timer_ = 0;
    process::EventLoop::TimerId poll_timer_ = 0;
};

}  // namespace mistamover::supervisor
