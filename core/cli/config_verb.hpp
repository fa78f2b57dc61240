// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace mistamover::cli {

/// Prints every problem of a configuration as FILE:LINE:COLUMN: text, and a summary line. Returns the exit
/// code: 0 where there is none, else 2. `environment` as config::load takes it.
int config_check(std::ostream& out, const std::filesystem::path& file,
                 const std::vector<std::string>& environment, config::SchemaSource& schemas);

/// Prints the effective settings of one stream, or of the program and all its streams, with where each came
/// from; secrets as asterisks. Problems go to `errors`. Returns the exit code: 0, or 2 where something that
/// was to be shown is not good.
int config_show(std::ostream& out, std::ostream& errors, const std::filesystem::path& file,
                const std::optional<std::string>& stream, const std::vector<std::string>& environment,
                config::SchemaSource& schemas);

}  // namespace mistamover::cli
