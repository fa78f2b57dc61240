// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

#include "config/settings.hpp"

namespace mistamover::stream {

/// How long to wait before the next try. Pure.
struct RetryPolicy {
    std::chrono::milliseconds first{3000};
    std::chrono::milliseconds cap{10 * 60'000};
    bool grows = true;  ///< Doubles with each failure in a row up to the cap.

    /// `failures` in a row, from 1. `jitter` in [0, 1) spreads the delay over its upper half, so that many
    /// streams do not come back at one moment.
    [[nodiscard]] std::chrono::milliseconds delay(std::uint32_t failures, double jitter) const;
};

/// As the stream is configured: `outgoing.retry_delay`, or growing from `general_poll_interval`.
RetryPolicy retry_policy(const config::StreamSettings& settings);

}  // namespace mistamover::stream
