// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/options.hpp>

#include "config/load.hpp"

namespace mistamover::config {

/// What is known of one key, the core's or a plugin's.
struct Key {
    OptionType type = OptionType::string;
    std::optional<std::string> default_value;  ///< May hold $(section:key) references.
    std::vector<std::string> choices;
    bool required = false;
    bool secret = false;
    bool of_plugin = false;
    bool bare_megabytes = false;  ///< A bare size counts megabytes, as in the Python tool.
    bool holds_paths = false;     ///< A path, or a list of them: relative to the file that sets it.
    bool above_zero = false;      ///< A duration or size that may not be 0.
    bool file_name = false;       ///< A plain name: not empty, no `/`, no control character.
    bool dot_name = false;        ///< Begins with a dot, as what is no unit does.
    bool whole_program = false;   ///< Of no use in a stream's file.
    std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
    std::int64_t maximum = std::numeric_limits<std::int64_t>::max();  ///< Of a duration: in ms, whole days.
};

using Keys = std::map<std::string, Key>;
/// The sections that apply, with their keys; does not own them.
using Sections = std::map<std::string, const Keys*>;

/// The core's own sections.
const std::map<std::string, Keys>& core_keys();

/// Whether a section is for the whole program rather than for a stream.
bool is_global_section(const std::string& section);

/// A plugin's section. Where the plugin has a secret `password`, `password_file` is known too (see
/// secret_file.hpp).
Keys plugin_keys(const PluginSchema& schema);

/// The modules that come with the program.
const std::vector<std::string>& bundled_modules();

/// What is wrong with `value`, empty where it is good; then `value` is in its canonical form (booleans are
/// true or false, sizes and durations have the meaning that they have for this key without it). Pure.
std::string value_problem(const Key& key, std::string& value);

/// Whether a stream, a stop file and so on may have this name. Pure.
bool usable_as_file_name(std::string_view name);

/// A value as it may be shown in one line: control characters replaced, long ones cut. Pure.
std::string shown(std::string_view value);

template <typename Map>
std::vector<std::string> names_of(const Map& map) {
    std::vector<std::string> names;
    names.reserve(map.size());
    for (const auto& [name, unused] : map) {
        names.push_back(name);
    }
    return names;
}

}  // namespace mistamover::config
