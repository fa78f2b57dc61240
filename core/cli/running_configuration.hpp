// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/verbs.hpp"
#include "config/load.hpp"

namespace mistamover::cli {

/// The environment as config::load takes it.
inline std::vector<std::string> environment_strings() {
    std::vector<std::string> strings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        strings.emplace_back(*entry);
    }
    return strings;
}

/// Asks no plugin: for who wants the global settings alone, and does not wait for a plugin that hangs.
class NoSchemas final : public config::SchemaSource {
  public:
    Answer schema(const std::string& /*plugin*/,
                  const std::vector<std::filesystem::path>& /*plugin_path*/) override {
        return {std::nullopt, "it was not asked"};
    }
};

/// The global settings that a verb needs to find the daemon. Throws UsageError where the global file is
/// broken.
inline config::GlobalSettings running_configuration(const std::string& argument) {
    NoSchemas schemas;
    const auto file = config::configuration_file(argument.empty() ? std::nullopt : std::optional(argument));
    const config::Configuration configuration = config::load(file, environment_strings(), schemas);
    if (!configuration.usable()) {
        throw UsageError(to_string(configuration.problems.front()));
    }
    return config::global_settings(configuration.global);
}

}  // namespace mistamover::cli
