// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mistamover::config {

/// Why a file cannot be used for a secret, worded to follow the name of the key that names it; empty where it
/// can.
std::string secret_file_problem(const std::string& file);

/// For a plugin that has an option `password` but no `password_file`: where its section sets the latter, the
/// password in that file's first line takes its place. Throws std::runtime_error, for people and without the
/// secret, where there is none to be had.
void take_password_from_file(const std::string& section,
                             std::map<std::string, std::vector<std::string>>& options);

}  // namespace mistamover::config
