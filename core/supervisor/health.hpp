// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

namespace mistamover::supervisor {

/// Tells which child hangs: one of which nothing was heard for too long, while the controller itself was
/// awake to hear it. Pure.
class HealthCheck {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds interval{30};  ///< Between two looks.
    /// A child that is well says something every 30 s.
    static constexpr std::chrono::seconds longest_silence{100};

    /// A look at all children begins.
    void begin(Time now);
    /// In this look: of a child that was last heard of at that time.
    [[nodiscard]] bool hangs(Time heard) const;

  private:
    Time now_{};
    Time awake_since_{};
};

}  // namespace mistamover::supervisor
