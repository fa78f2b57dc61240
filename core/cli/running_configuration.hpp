// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/verbs.hpp"
#include "config/load.hpp"

namespace mistamover::cli {

/// Asks no plugin: for who wants the global settings alone, and does not wait for a plugin that hangs.
class NoSchemas final : public config::SchemaSource {
  public:
    Answer schema(const std::string& /*plugin*/,
                  const std::vector<std::filesystem::path>& /*plugin_path*/) override {
        return {std::nullopt, "it was not asked"};
    }
};

/// The problem that keeps a key of the global file from having a value: its own, else the first one.
inline std::string why_not_set(const config::Configuration& configuration, const std::string& name) {
    const config::Problem* found = nullptr;
    for (const config::Problem& problem : configuration.problems) {
        if (problem.stream.empty() && (found == nullptr || problem.text.starts_with('`' + name + '`'))) {
            found = &problem;
        }
    }
    return found == nullptr ? configuration.file.string() + ": `" + name + "` has no value"
                            : to_string(*found);
}

/// For a verb that needs little of the configuration, and works whatever else is wrong with it. Throws
/// UsageError where the global file cannot be read at all.
inline config::Configuration readable_configuration(const std::string& argument) {
    NoSchemas schemas;
    const auto file = config::configuration_file(argument.empty() ? std::nullopt : std::optional(argument));
    config::Configuration configuration = config::load(file, config::environment_strings(), schemas);
    if (configuration.global.empty()) {
        throw UsageError(why_not_set(configuration, "global.top"));
    }
    return configuration;
}

/// The global settings that a verb needs to find the daemon. Throws UsageError where there is no good run_dir
/// among them.
inline config::GlobalSettings running_configuration(const std::string& argument) {
    const config::Configuration configuration = readable_configuration(argument);
    config::GlobalSettings settings = config::global_settings(configuration.global);
    if (settings.run_dir.empty()) {
        throw UsageError(why_not_set(configuration, "global.run_dir"));
    }
    return settings;
}

/// `plugins.path`. Throws UsageError where it is set to something that is not good.
inline std::vector<std::filesystem::path> plugin_search_path(const std::string& argument) {
    const config::Configuration configuration = readable_configuration(argument);
    const auto is_in = [](const auto& sections) {
        const auto section = sections.find("plugins");
        return section != sections.end() && section->second.contains("path");
    };
    if (is_in(configuration.global_origins) && !is_in(configuration.global)) {
        throw UsageError(why_not_set(configuration, "plugins.path"));
    }
    return config::global_settings(configuration.global).plugin_path;
}

}  // namespace mistamover::cli
