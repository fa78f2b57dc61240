// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/verbs.hpp"
#include "config/load.hpp"
#include "plugin_host/schema_query.hpp"

namespace mistamover::cli {

/// The environment as config::load takes it.
inline std::vector<std::string> environment_strings() {
    std::vector<std::string> strings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        strings.emplace_back(*entry);
    }
    return strings;
}

inline config::Configuration load_configuration(const std::string& argument) {
    plugin_host::ChildSchemaSource schemas;
    const auto file = config::configuration_file(argument.empty() ? std::nullopt : std::optional(argument));
    return config::load(file, environment_strings(), schemas);
}

/// The global settings that a verb needs to find the daemon. Throws UsageError where the global file is
/// broken.
inline config::GlobalSettings running_configuration(const std::string& argument) {
    const config::Configuration configuration = load_configuration(argument);
    if (!configuration.usable()) {
        throw UsageError(to_string(configuration.problems.front()));
    }
    return config::global_settings(configuration.global);
}

}  // namespace mistamover::cli
