// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/health.hpp"

#include <algorithm>

namespace mistamover::supervisor {

void HealthCheck::begin(Time now, Children children) {
    const bool slept = now_ == Time{} || now - now_ > 2 * interval;
    if (slept || children == Children::may_be_held_up) {
        heard_all_since_ = now;
    }
    now_ = now;
}

bool HealthCheck::hangs(const Contact& contact) const {
    const Time silent_since = std::max(contact.heard_, heard_all_since_);
    if (contact.works_) {
        return now_ - silent_since > longest_silence;
    }
    if (contact.is_to_answer() && now_ - std::max(silent_since, contact.told_) > longest_silence) {
        return true;
    }
    return now_ - silent_since > longest_idle_silence;
}

}  // namespace mistamover::supervisor
