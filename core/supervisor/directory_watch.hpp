// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "files/mounts.hpp"
#include "process/event_loop.hpp"
#include "supervisor/watcher.hpp"

namespace mistamover::supervisor {

/// Watches a directory for a stream: alone, or with all directories below it. The latter are found step by
/// step, between which the event loop goes on; symbolic links are not followed, and what has a dot in front
/// in the directory itself is left out.
class DirectoryWatch {
  public:
    /// The names are those of entries of the directory itself: where something has changed below one, that
    /// one's. Once all directories below are watched, `lost` tells to look at everything.
    using Handler = Watcher::Handler;

    /// `loop` and `watcher` must outlive the object, which `handler` may destroy.
    DirectoryWatch(process::EventLoop& loop, Watcher& watcher, std::filesystem::path directory,
                   bool recursive, Handler handler);
    ~DirectoryWatch();
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    /// Why not everything is watched; empty: it is, or will be. `handler` is called when it comes about
    /// later.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    /// Something was mounted on the way to it, or unmounted, since: what has its name now is not watched.
    [[nodiscard]] bool is_elsewhere(const files::MountList& mounts) const {
        return mounts.mount_of(real_directory_) != mount_;
    }
    /// Something was mounted, or unmounted: what that concerns below the directory is found again.
    void note_mounts(const files::MountList& mounts);

  private:
    [[nodiscard]] std::filesystem::path path_of(const std::filesystem::path& below) const;
    bool add(const std::filesystem::path& below);
    void on_events(const std::filesystem::path& below, const Watcher::Events& events);
    void tell(const Watcher::Events& events) const;
    void forget(const std::filesystem::path& below);
    void find_later(const std::filesystem::path& below);
    void find_some();
    void find_in(const std::filesystem::path& below);

    process::EventLoop& loop_;
    Watcher& watcher_;
    std::filesystem::path directory_;
    std::filesystem::path real_directory_;
    std::string mount_;
    std::vector<std::string> mounts_below_;
    bool recursive_;
    Handler handler_;
    std::string problem_;
    std::map<std::filesystem::path, Watcher::WatchId> watches_;  ///< By the path below the directory.
    std::deque<std::filesystem::path> to_be_searched_;
    process::EventLoop::TimerId search_timer_ = 0;
};

}  // namespace mistamover::supervisor
