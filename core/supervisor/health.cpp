// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/health.hpp"

#include <algorithm>

namespace mistamover::supervisor {

void HealthCheck::begin(Time now) {
    const bool slept = now_ == Time{} || now - now_ > 2 * interval;
    if (slept) {
        awake_since_ = now;
    }
    now_ = now;
}

bool HealthCheck::hangs(Time heard) const {
    return now_ - std::max(heard, awake_since_) > longest_silence;
}

}  // namespace mistamover::supervisor
