// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/child.hpp"

#include <algorithm>
#include <string.h>  // NOLINT(modernize-deprecated-headers): sigdescr_np
#include <sys/wait.h>

namespace mistamover::supervisor {

std::chrono::milliseconds restart_delay(unsigned restarts) {
    constexpr std::chrono::milliseconds longest{2'000};
    std::chrono::milliseconds delay{100};
    for (unsigned i = 1; i < restarts && delay < longest; ++i) {
        delay *= 2;
    }
    return std::min(delay, longest);
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) {
        const char* text = ::sigdescr_np(WTERMSIG(status));
        return "signal " + std::to_string(WTERMSIG(status)) + " (" + (text == nullptr ? "unknown" : text) +
               ")";
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace mistamover::supervisor
