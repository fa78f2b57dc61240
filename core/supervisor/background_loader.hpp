// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
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

    /// `load` is called on the other thread, never twice at a time; `done` on the loop's. `load` keeps what
    /// it uses alive: it may outlive the object.
    BackgroundLoader(process::EventLoop& loop, Load load, Done done,
                     std::chrono::milliseconds longest_wait_at_end = std::chrono::seconds{1});
    /// Waits for a load in hand, but not without end: the server of a network file system that it looks at
    /// may never answer.
    ~BackgroundLoader();
    BackgroundLoader(const BackgroundLoader&) = delete;
    BackgroundLoader& operator=(const BackgroundLoader&) = delete;

    /// Loads what is there from now on. Where a load is in hand, its result is thrown away and it is done
    /// again: `done` never gets what an earlier moment left.
    void start();
    /// While this is true the process may have children that the loading thread waits for.
    [[nodiscard]] bool busy() const noexcept { return busy_; }

  private:
    // What the thread uses.
    struct Work {
        Load load;
        process::UniqueFd finished;
        std::mutex mutex;
        std::condition_variable has_result;
        std::optional<config::Configuration> result;
    };

    void begin();
    static void run(Work& work);
    void finish();

    process::EventLoop& loop_;
    Done done_;
    std::chrono::milliseconds longest_wait_at_end_;
    std::shared_ptr<Work> work_;
    bool busy_ = false;
    bool again_ = false;
    std::thread thread_;
};

}  // namespace mistamover::supervisor
