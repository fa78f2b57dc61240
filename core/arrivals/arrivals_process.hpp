// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace mistamover::arrivals {

/// The whole life of the arrivals monitor of one stream: takes its settings from the channel
/// (process::channel_fd), and accepts what arrives until told to stop (daemon) or until what is there has
/// been answered (one-off). Ends cleanly when the controller has gone. Returns the exit code: 0; 1 where it
/// could not start.
int run_arrivals_process(const std::string& stream_name);

}  // namespace mistamover::arrivals
