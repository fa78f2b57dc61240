// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/selected_configuration.hpp"

#include <algorithm>
#include <iterator>

namespace mistamover::supervisor {
namespace {

using Names = std::vector<std::string>;

bool hold(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Of a problem's stream: the stem of its file, and what the file calls it, as far as that can be told.
Names names_of_stream(const config::Configuration& configuration, const config::Problem& problem) {
    Names names{problem.stream};
    const auto own = configuration.broken_names.find(problem.stream);
    if (own != configuration.broken_names.end()) {
        names.push_back(own->second);
    }
    return names;
}

Names names_without_stream(const config::Configuration& configuration, const Names& names) {
    Names without;
    std::copy_if(names.begin(), names.end(), std::back_inserter(without), [&](const std::string& name) {
        return std::none_of(configuration.streams.begin(), configuration.streams.end(),
                            [&](const config::Stream& stream) { return stream.name == name; });
    });
    return without;
}

// A file whose stream has no name that can be told may be that of a stream which is missing.
bool may_concern(const config::Configuration& configuration, const config::Problem& problem,
                 const Names& names, const Names& missing) {
    const Names own = names_of_stream(configuration, problem);
    return problem.stream.empty() || (own.size() == 1 && !missing.empty()) ||
           std::any_of(own.begin(), own.end(), [&](const std::string& name) { return hold(names, name); });
}

}  // namespace

config::Configuration selected(config::Configuration configuration, const std::vector<std::string>& names) {
    if (names.empty()) {
        return configuration;
    }
    std::erase_if(configuration.streams,
                  [&](const config::Stream& stream) { return !hold(names, stream.name); });
    const Names missing = names_without_stream(configuration, names);
    std::erase_if(configuration.problems, [&](const config::Problem& problem) {
        return !may_concern(configuration, problem, names, missing);
    });
    for (const std::string& name : missing) {
        const auto is_blamed = [&](const config::Problem& problem) {
            return hold(names_of_stream(configuration, problem), name);
        };
        if (std::none_of(configuration.problems.begin(), configuration.problems.end(), is_blamed)) {
            configuration.problems.push_back({configuration.file, 0, 0,
                                              configuration.streams.empty() ? name : "",
                                              "there is no stream `" + name + "`"});
        }
    }
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
