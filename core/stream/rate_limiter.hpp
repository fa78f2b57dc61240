// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace mistamover::stream {

/// Shares a stream's bandwidth limit among its sessions. Safe from several threads.
class RateLimiter {
  public:
    using Clock = std::chrono::steady_clock;

    /// Bytes a second; 0: no limit.
    explicit RateLimiter(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

    /// Books `bytes` and returns when they may be sent.
    Clock::time_point book(std::uint64_t bytes, Clock::time_point now);

  private:
    std::uint64_t bytes_per_second_;
    std::mutex mutex_;
    Clock::time_point next_{};
};

}  // namespace mistamover::stream
