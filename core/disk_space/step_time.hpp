// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

namespace mistamover::disk_space {

/// Tells, from its making on, whether a step of so much CPU time may go on. It ends in time, too, where a
/// disk is slow and next to no CPU time is used.
class StepTime {
  public:
    explicit StepTime(std::chrono::milliseconds step);

    [[nodiscard]] bool operator()() const;

  private:
    std::chrono::nanoseconds cpu_end_;
    std::chrono::steady_clock::time_point end_;
};

}  // namespace mistamover::disk_space
