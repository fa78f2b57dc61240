// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/child.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): sigdescr_np
#include <sys/wait.h>

namespace mistamover::supervisor {
namespace {

bool sends(const config::Stream& stream) {
    return stream.settings.at("outgoing").at("plugin").front() != "none";
}

bool receives(const config::Stream& stream) {
    return stream.settings.at("incoming").at("require_arrival_monitor").front() == "true";
}

}  // namespace

const ChildKind transfer_process{"_transfer", "process", "work", "data_stream", sends};
const ChildKind arrivals_monitor{"_arrivals", "arrivals monitor", "arrivals", "incoming", receives};

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) {
        const char* text = ::sigdescr_np(WTERMSIG(status));
        return "signal " + std::to_string(WTERMSIG(status)) + " (" + (text == nullptr ? "unknown" : text) +
               ")";
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace mistamover::supervisor
