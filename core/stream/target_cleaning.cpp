// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_cleaning.hpp"

namespace mistamover::stream {

Cleaning TargetCleaning::begin() noexcept {
    under_way_ = true;
    return due_;
}

void TargetCleaning::ended(const BatchResult& result) noexcept {
    under_way_ = false;
    if (!result.session.ok()) {
        return;
    }
    due_ = Cleaning::none;
    leftovers_kept_ = result.kept_leftovers;
    if (!leftovers_kept_) {
        mark_.clear();
    }
}

void TargetCleaning::session_failed() noexcept {
    if (due_ == Cleaning::none) {
        due_ = Cleaning::but_resumable;
    }
}

void TargetCleaning::nothing_left_to_send() noexcept {
    if (leftovers_kept_) {
        due_ = Cleaning::all;
    }
}

void TargetCleaning::over() noexcept {
    if (left_clean_ && is_clean()) {
        mark_.clear();
    }
}

}  // namespace mistamover::stream
