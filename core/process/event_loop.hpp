// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <unordered_map>

#include "process/unique_fd.hpp"

namespace mistamover::process {

/// Waits for descriptors and timers and calls what was asked for, all on the thread that calls run. Sleeps
/// without a timeout while there is no timer, so that an idle process uses no CPU. Throws std::system_error
/// where the kernel refuses.
class EventLoop {
  public:
    using Clock = std::chrono::steady_clock;
    using FdHandler = std::function<void(std::uint32_t events)>;
    using TimerHandler = std::function<void()>;
    using TimerId = std::uint64_t;  ///< Never 0.

    EventLoop();

    /// Watches `fd`, which stays the caller's, for EPOLLIN and so on (level-triggered). One handler a
    /// descriptor; a handler may remove itself and others.
    void watch(int fd, std::uint32_t events, FdHandler handler);
    void change(int fd, std::uint32_t events);
    void unwatch(int fd);

    TimerId call_at(Clock::time_point when, TimerHandler handler);
    TimerId call_after(std::chrono::milliseconds delay, TimerHandler handler) {
        return call_at(Clock::now() + delay, std::move(handler));
    }
    /// Nothing happens where the timer has gone off or `timer` is 0.
    void cancel(TimerId timer);

    /// Blocks these signals in the calling thread, and so in the threads that it starts later, and hands each
    /// one that arrives to `handler`. Call it once, before any thread is started.
    void handle_signals(std::initializer_list<int> signals,
                        std::function<void(int signal, int sender_pid)> handler);

    /// Runs until stop() was called by a handler.
    void run();
    void stop() noexcept { running_ = false; }

  private:
    struct Timer {
        TimerId id;
        TimerHandler handler;
    };
    void run_due_timers();
    [[nodiscard]] int wait_time() const;

    UniqueFd epoll_;
    UniqueFd signals_;
    std::unordered_map<int, std::shared_ptr<FdHandler>> handlers_;
    std::multimap<Clock::time_point, Timer> timers_;
    TimerId next_timer_ = 1;
    bool running_ = false;
};

}  // namespace mistamover::process
