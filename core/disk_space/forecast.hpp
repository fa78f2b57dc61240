// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace mistamover::disk_space {

/// How fast free space changes, over the last ten minutes, and when it comes to an end at that rate. Pure.
class Forecast {
  public:
    using Time = std::chrono::steady_clock::time_point;

    void add(Time now, std::uint64_t free);
    /// Bytes a second; negative: it fills.
    [[nodiscard]] std::int64_t rate() const;
    /// The same over the last second or the last pause between two samples, whichever is longer.
    [[nodiscard]] std::int64_t latest_rate() const;
    /// Until so many are left; nothing where it does not come to that within a year.
    [[nodiscard]] std::optional<std::chrono::seconds> time_to(std::uint64_t level) const;

  private:
    struct Sample {
        Time time;
        std::uint64_t free = 0;
    };
    [[nodiscard]] std::int64_t rate_since(const Sample& sample) const;

    std::deque<Sample> samples_;
};

}  // namespace mistamover::disk_space
