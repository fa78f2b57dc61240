// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

#include "process/messages.hpp"

namespace mistamover::supervisor {

/// Tells which child hangs: one of which nothing was heard for too long, while the controller itself was
/// awake to hear it. Pure.
class HealthCheck {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds interval{60};  ///< Between two looks.
    static constexpr std::chrono::seconds longest_silence = 3 * process::heartbeat_interval;

    /// A look at all children begins.
    void begin(Time now);
    /// In this look: of a child that was last heard of at that time.
    [[nodiscard]] bool hangs(Time heard) const;

  private:
    Time now_{};
    Time awake_since_{};
};

}  // namespace mistamover::supervisor
