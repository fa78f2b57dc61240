// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace mistamover::disk_space {

/// The whole life of the monitor of one file system: takes its settings and its streams from the channel
/// (process::channel_fd) and looks after the disk until told to stop, or, where it has no streams, until it
/// has removed what earlier monitors have left. Ends when the controller has gone. Returns the exit code: 0;
/// 1 where it could not start.
int run_disk_space_process(const std::string& label, const std::string& mount_point);

}  // namespace mistamover::disk_space
