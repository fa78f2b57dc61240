// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "process/event_loop.hpp"

namespace mistamover::process {

/// For a process that has to wait until another one has ended its work: the loop goes on meanwhile, so that
/// it says that it is well, and hears a stop. One thing is waited for at a time.
class WorkWait {
  public:
    using Tell = std::function<void(const std::string& text)>;

    /// `tell` gets "waits for the end of" each thing that is waited for, once. The loop outlives the object.
    WorkWait(EventLoop& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}
    ~WorkWait() { loop_.cancel(timer_); }
    WorkWait(const WorkWait&) = delete;
    WorkWait& operator=(const WorkWait&) = delete;

    /// `what_for` has not ended yet: calls `attempt` soon.
    void try_again(const std::string& what_for, std::function<void()> attempt);
    /// There is nothing to wait for any more.
    void over() { what_for_.clear(); }
    [[nodiscard]] bool is_under_way() const noexcept { return !what_for_.empty(); }

  private:
    EventLoop& loop_;
    Tell tell_;
    std::string what_for_;
    EventLoop::TimerId timer_ = 0;
};

}  // namespace mistamover::process
