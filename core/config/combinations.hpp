// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.hpp"

namespace mistamover::config {

/// Settings that are good one by one but not together; blamed on one key, at whose position it is reported.
/// The text holds no values, which may be secret.
struct Conflict {
    std::string section;
    std::string key;
    std::string text;
    /// Other keys that it depends on: where one of them is wrong by itself, this says nothing.
    std::vector<std::pair<std::string, std::string>> others = {};
};

/// What does not fit together in one stream's settings. Pure: looks at no file, so pass paths without
/// symbolic links.
std::vector<Conflict> conflicts(const StreamSettings& stream);

/// What does not fit together in the program's settings. Pure.
std::vector<Conflict> global_conflicts(const SettingsMap& settings);

/// True where `inner` is `outer` or lies in it. Pure: compares normalised paths. An empty path lies nowhere.
bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer);

/// Normalised, and without a slash at its end. Pure.
std::string normal_path(const std::filesystem::path& path);

}  // namespace mistamover::config
