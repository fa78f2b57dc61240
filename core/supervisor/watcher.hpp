// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "process/event_loop.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// Watches any number of directories with one inotify instance, since Debian allows a user only 128 of them.
class Watcher {
  public:
    struct Events {
        std::vector<std::string> names;  ///< Entries that came, were closed after writing, or went.
        bool lost = false;               ///< Some were not told: look at everything.
        bool gone = false;               ///< The directory itself has gone; the watch has ended.
    };
    using Handler = std::function<void(const Events&)>;
    using WatchId = std::uint64_t;
    /// Whether an entry is told as well whose owner or mode was changed.
    enum class Attributes : std::uint8_t { leave_out, tell };

    /// `loop` must outlive the watcher. Never throws: where the kernel refuses an instance, every add fails.
    explicit Watcher(process::EventLoop& loop);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    /// 0 with the reason in `problem` where the kernel refuses: the sysctl to raise, for all directories in
    /// the same words, or what is wrong with this one. A handler may add and remove watches.
    WatchId add(const std::string& directory, Handler handler, std::string& problem,
                Attributes attributes = Attributes::leave_out);
    void remove(WatchId watch);

  private:
    struct Watch {
        int descriptor = -1;
        Handler handler;
    };
    void pause();
    void read_events();

    process::EventLoop& loop_;
    process::UniqueFd inotify_;
    std::map<WatchId, Watch> watches_;
    std::multimap<int, WatchId> by_descriptor_;
    WatchId next_ = 1;
    process::EventLoop::TimerId pause_ = 0;
};

}  // namespace mistamover::supervisor
