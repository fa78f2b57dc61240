// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/child.hpp"

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

}  // namespace mistamover::supervisor
