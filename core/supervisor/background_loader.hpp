// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "config/load.hpp"
#include "process/event_loop.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// Loads a configuration on a thread of its own, since that asks child processes, so that the event loop goes
/// on meanwhile. To be used on the loop's thread alone.
class BackgroundLoader {
  public:
    using Load = std::function<config::Configuration()>;
    using Done = std::function<void(config::Configuration&& loaded)>;

    /// `load` is called on the other thread, never twice at a time; `done` on the loop's.
    BackgroundLoader(process::EventLoop& loop, Load load, Done done);
    /// Waits for a load in hand.
    ~BackgroundLoader();
    BackgroundLoader(const BackgroundLoader&) = delete;
    BackgroundLoader& operator=(const BackgroundLoader&) = delete;

    /// Loads what is there from now on. Where a load is in hand, its result is thrown away and it is done
    /// again: `done` never gets what an earlier moment left.
    void start();
    /// While this is true the process may have children that the loading thread waits for.
    [[nodiscard]] bool busy() const noexcept { return busy_; }

  private:
    void begin();
    void run();
    void finish();

    process::EventLoop& loop_;
    Load load_;
    Done done_;
    process::UniqueFd finished_;
    bool busy_ = false;
    bool again_ = false;
    std::mutex mutex_;
    std::optional<config::Configuration> result_;
    std::thread thread_;
};

}  // namespace mistamover::supervisor
