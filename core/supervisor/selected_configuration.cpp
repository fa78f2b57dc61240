// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/selected_configuration.hpp"

#include <algorithm>

namespace mistamover::supervisor {

config::Configuration selected(config::Configuration configuration, const std::vector<std::string>& names) {
    if (names.empty()) {
        return configuration;
    }
    for (const std::string& name : names) {
        const auto has_name = [&](const config::Stream& stream) { return stream.name == name; };
        const auto blamed = [&](const config::Problem& problem) { return problem.stream == name; };
        if (std::none_of(configuration.streams.begin(), configuration.streams.end(), has_name) &&
            std::none_of(configuration.problems.begin(), configuration.problems.end(), blamed)) {
            configuration.problems.push_back(
                {configuration.file, 0, 0, name, "there is no stream `" + name + "`"});
        }
    }
    std::erase_if(configuration.streams, [&](const config::Stream& stream) {
        return std::find(names.begin(), names.end(), stream.name) == names.end();
    });
    return configuration;
}

config::Configuration with_debug(config::Configuration configuration) {
    configuration.global["logging"]["log_level"] = {"DEBUG"};
    for (config::Stream& stream : configuration.streams) {
        stream.settings["logging"]["log_level"] = {"DEBUG"};
    }
    return configuration;
}

}  // namespace mistamover::supervisor
