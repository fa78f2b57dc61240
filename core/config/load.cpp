// SPDX-License-Identifier: BSD-3-Clause
#include "config/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

#include "config/loader.hpp"

namespace mistamover::config {

std::string to_string(const Problem& problem) {
    std::string text = problem.file.string();
    if (problem.line > 0) {
        text += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
    }
    return text + ": " + problem.text;
}

bool Configuration::usable() const {
    return std::none_of(problems.begin(), problems.end(), [](const Problem& p) { return p.stream.empty(); });
}

std::filesystem::path configuration_file(const std::optional<std::string>& argument) {
    if (argument) {
        return *argument;
    }
    const char* variable =
        std::getenv("MISTAMOVER_CONFIG");  // NOLINT(concurrency-mt-unsafe): before any thread
    if (variable != nullptr && *variable != '\0') {
        return variable;
    }
    std::error_code ignored;
    return std::filesystem::exists("mistamover.yaml", ignored) ? "mistamover.yaml"
                                                               : "/etc/mistamover/mistamover.yaml";
}

std::vector<std::string> environment_strings() {
    std::vector<std::string> strings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        strings.emplace_back(*entry);
    }
    return strings;
}

Configuration load(const std::filesystem::path& file, const std::vector<std::string>& environment,
                   SchemaSource& schemas) {
    return Loader(file, environment, schemas).load();
}

}  // namespace mistamover::config
