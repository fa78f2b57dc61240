// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace mistamover::supervisor {

inline constexpr char log_server_verb[] = "_log-server";

/// The body of the hidden verb: the log server. It outlives the controller to write its last records, and so
/// it is the one that can bring a daemon's controller back: when the controller has gone without removing its
/// pid file, it is started again. `arguments`: the pid file, then what the controller was started with; none:
/// nothing is brought back.
int run_log_server_process(const std::vector<std::string>& arguments);

}  // namespace mistamover::supervisor
