// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_health.hpp"

#include <algorithm>

namespace mistamover::stream {

TargetHealth::News TargetHealth::failed(const Status& status, Clock::time_point now, double jitter) {
    if (status.scope() == StatusScope::stream) {
        const bool known = stream_failure_.has_value();
        stream_failure_ = failure_ = status;
        return known ? News::none : News::stream_failed;
    }
    failed_at_ = now;
    if (backs_off(now)) {
        return News::none;  // another session met the same failure
    }
    failure_ = status;
    ++failures_;
    back_off_until_ = now + policy_.delay(failures_, jitter);
    return failures_ == 1 ? News::first_failure : News::further_failure;
}

TargetHealth::News TargetHealth::worked(Clock::time_point begun) {
    if (failures_ > 0 && begun < failed_at_) {
        return News::none;
    }
    const bool was_well = failures_ == 0;
    failures_ = 0;
    back_off_until_ = {};
    return was_well ? News::none : News::recovered;
}

std::optional<TargetHealth::Clock::time_point> TargetHealth::next_try(Clock::time_point now) const {
    const Clock::time_point when = std::max(back_off_until_, suspended_until_);
    return when > now ? std::optional(when) : std::nullopt;
}

}  // namespace mistamover::stream
