// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace mistamover::plugin_host {

/// How a child process that was asked something ended, and what it had written to its standard output by
/// then.
struct ChildAnswer {
    std::string output;
    bool timed_out = false;  ///< It was killed because the time was over, or because it wrote without end.
    int signal = 0;          ///< The signal that ended it, otherwise 0.
    int exit_code = 0;
};

/// Runs `program` (arguments[0] is its argv[0]) in a process group of its own, with nothing on its standard
/// input, its error output thrown away and no other descriptor of ours, and kills the group after `deadline`.
/// Throws std::system_error where it cannot be started. Does not touch the caller's signal handling.
ChildAnswer ask_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::chrono::milliseconds deadline);

}  // namespace mistamover::plugin_host
