// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/child.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): sigdescr_np
#include <sys/wait.h>

namespace mistamover::supervisor {

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) {
        const char* text = ::sigdescr_np(WTERMSIG(status));
        return "signal " + std::to_string(WTERMSIG(status)) + " (" + (text == nullptr ? "unknown" : text) +
               ")";
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace mistamover::supervisor
