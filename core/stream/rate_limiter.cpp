// SPDX-License-Identifier: BSD-3-Clause
#include "stream/rate_limiter.hpp"

#include <algorithm>

namespace mistamover::stream {

RateLimiter::Clock::time_point RateLimiter::book(std::uint64_t bytes, Clock::time_point now) {
    if (bytes_per_second_ == 0) {
        return now;
    }
    const std::lock_guard lock(mutex_);
    const Clock::time_point start = std::max(now, next_);
    const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
    next_ = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    return start;
}

}  // namespace mistamover::stream
