// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <random>

#include "process/channel.hpp"
#include "process/event_loop.hpp"

namespace mistamover::process {

/// When to say for the second time that all is well: within `interval`, and each time as likely as any other,
/// so that children that were started together do not all speak at once ever after.
template <typename Random>
std::chrono::milliseconds spread_over(std::chrono::milliseconds interval, Random& random) {
    return std::chrono::milliseconds{
        std::uniform_int_distribution<std::chrono::milliseconds::rep>(0, interval.count())(random)};
}

/// Tells the controller that a child is well: at once, and at least every `interval` from then on. The loop
/// and the channel are the caller's and outlive it.
class Heartbeats {
  public:
    Heartbeats(EventLoop& loop, Channel& channel, std::chrono::milliseconds interval);
    ~Heartbeats() { loop_.cancel(timer_); }
    Heartbeats(const Heartbeats&) = delete;
    Heartbeats& operator=(const Heartbeats&) = delete;

  private:
    void beat(std::chrono::milliseconds until_next);

    EventLoop& loop_;
    Channel& channel_;
    std::chrono::milliseconds interval_;
    EventLoop::TimerId timer_ = 0;
};

}  // namespace mistamover::process
