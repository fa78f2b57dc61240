// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace mistamover::disk_space {

/// Bytes that were deleted and are not free yet: some file systems take their time to give them back. Pure.
class LateSpace {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds longest_wait{30};

    /// Of so many bytes, `back` were free at once. Where that is half of them, none is late: others have
    /// written meanwhile.
    void deleted(Time now, std::uint64_t bytes, std::uint64_t back);
    /// So many have become free by themselves.
    void came_back(std::uint64_t bytes);
    /// Waits no longer for what was deleted longest_wait ago.
    void give_up(Time now);
    void give_up_all() { batches_.clear(); }
    [[nodiscard]] std::uint64_t bytes() const;

  private:
    struct Batch {
        Time deleted_at;
        std::uint64_t bytes = 0;
    };
    std::deque<Batch> batches_;
};

}  // namespace mistamover::disk_space
