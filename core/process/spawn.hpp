// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace mistamover::process {

/// Where a child finds what the controller gave it.
inline constexpr int channel_fd = 3;  ///< Its Channel.
inline constexpr int log_fd = 4;      ///< Writing end of the log socket; the log server's reading end.

/// Starts this same executable: `arguments` follow argv[0], "mistamover". Of the caller's descriptors the
/// child keeps 0 to 2 and the two given, under the numbers above; its signal mask is empty, SIGPIPE ends it
/// even if the caller ignores that, and it is in a process group of its own. Throws std::system_error.
pid_t spawn_self(const std::vector<std::string>& arguments, int channel, int log);

/// Names the process for ps and top: at most 15 bytes are kept ("mm:proj1").
void set_process_name(const std::string& name);

}  // namespace mistamover::process
