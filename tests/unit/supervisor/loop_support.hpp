// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>

#include "process/event_loop.hpp"

namespace mistamover::test {

/// Runs the loop until `condition` is true; false where that does not come about within a generous time.
inline bool run_until(process::EventLoop& loop, const std::function<bool()>& condition,
                      std::chrono::seconds patience = std::chrono::seconds{60}) {
    const auto deadline = process::EventLoop::Clock::now() + patience;
    process::EventLoop::TimerId timer = 0;
    std::function<void()> look = [&] {
        if (condition() || process::EventLoop::Clock::now() > deadline) {
            loop.stop();
        } else {
            timer = loop.call_after(std::chrono::milliseconds{1}, look);
        }
    };
    look();
    if (timer != 0) {
        loop.run();
    }
    return condition();
}

/// Runs the loop for as long as it takes to be sure that nothing comes that is on its way.
inline void run_for(process::EventLoop& loop, std::chrono::milliseconds time) {
    loop.call_after(time, [&] { loop.stop(); });
    loop.run();
}

}  // namespace mistamover::test
