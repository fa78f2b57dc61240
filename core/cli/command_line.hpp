// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace mistamover::cli {

/// Carries out a command line without argv[0], and returns the exit code (SPEC section 2).
int run_command_line(const std::vector<std::string>& arguments);

}  // namespace mistamover::cli
