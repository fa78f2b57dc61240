// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace mistamover::stream {

/// The whole life of the transfer process of one stream: takes its settings from the channel
/// (process::channel_fd), loads the stream's plugin, moves or mirrors until told to stop (daemon) or until
/// nothing is left to do (one-off). Ends cleanly when the controller has gone, or, where the plugin does not
/// come back within the grace of a stop, without it, with exit code 1. Returns the exit code: 0; 1 where it
/// could not start.
int run_transfer_process(const std::string& stream_name);

}  // namespace mistamover::stream
