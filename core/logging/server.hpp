// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "config/settings.hpp"

namespace mistamover::logging {

struct ServerOptions {
    int log_fd = -1;  ///< The reading end of the socket of LogSocket.
    /// A SOCK_SEQPACKET socket that receives a config::serialize_settings text a message: new logging
    /// settings. End of file: the controller has gone. -1: none. What is sent to it: why the next record
    /// cannot be written at present, "FILE could not be written (reason)", and written_again once it is.
    int control_fd = -1;
};

inline constexpr std::string_view written_again = "written again";

/// The log server's whole life: writes each record to its file before it takes it from the socket, so that a
/// record is lost by no death of this process; at most the last message is then written twice. Files rotate
/// by size, to name.log.1 and so on to name.log.<keep>, the oldest, and are re-opened on SIGHUP. SIGTERM and
/// SIGINT are ignored: it ends, returning the exit code 0, when the last writer has closed the socket. While
/// the disk is full, or the directory cannot be used, it keeps the record in the socket, tells the controller
/// so, tries again every second, and says afterwards how long it waited; only when no writer is left does it
/// give up, after 30 s, with the exit code 1. For the main thread of a process of its own: sets the signal
/// handling of the process. The descriptors stay the caller's. Throws std::system_error where the kernel
/// refuses what every kernel grants.
int run_log_server(const ServerOptions& options, const config::LoggingSettings& settings);

}  // namespace mistamover::logging
