// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace mistamover::supervisor {

inline constexpr char log_server_verb[] = "_log-server";

/// The body of the hidden verb: the log server. It outlives the controller to write its last records, and so
/// it is the one that can bring a daemon's controller back (see Reviver). `arguments`: run_dir, then what the
/// controller is to be started with; none: nothing is brought back.
int run_log_server_process(const std::vector<std::string>& arguments);

}  // namespace mistamover::supervisor
