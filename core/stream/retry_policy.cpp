// SPDX-License-Identifier: BSD-3-Clause
#include "stream/retry_policy.hpp"

#include <algorithm>

namespace mistamover::stream {

std::chrono::milliseconds RetryPolicy::delay(std::uint32_t failures, double jitter) const {
    std::chrono::milliseconds longest = std::min(first, cap);
    if (grows) {
        for (std::uint32_t i = 1; i < failures && longest < cap; ++i) {
            longest = std::min(longest * 2, cap);
        }
    }
    const auto half = static_cast<double>(longest.count()) / 2;
    return std::chrono::milliseconds{static_cast<std::int64_t>(half + half * jitter)};
}

RetryPolicy retry_policy(const config::StreamSettings& settings) {
    RetryPolicy policy;
    policy.first = settings.outgoing.retry_delay.value_or(settings.global.general_poll_interval);
    policy.grows = !settings.outgoing.retry_delay;
    return policy;
}

}  // namespace mistamover::stream
