// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_wait.hpp"

#include <utility>

namespace mistamover::process {
namespace {

constexpr std::chrono::milliseconds work_retry{200};

}  // namespace

void WorkWait::try_again(const std::string& what_for, std::function<void()> attempt) {
    if (what_for != what_for_) {
        what_for_ = what_for;
        tell_("waits for the end of " + what_for);
    }
    timer_ = loop_.call_after(work_retry, std::move(attempt));
}

}  // namespace mistamover::process
