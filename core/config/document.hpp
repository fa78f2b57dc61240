// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace mistamover::config {

/// From 1; 0 where the file as a whole is meant.
struct Position {
    int line = 0;
    int column = 0;
};

/// One value as written, with where it was written.
struct RawValue {
    std::vector<std::string> values;  ///< None where the key stands there without a value.
    std::vector<Position> values_at;  ///< As many as there are values.
    bool is_list = false;
    Position key_at;
    Position at;  ///< Of the value; of the key where there is none.
};

struct RawSection {
    Position at;
    std::map<std::string, RawValue> keys;
};

/// A YAML file of sections of keys, not yet checked against any schema.
struct Document {
    std::filesystem::path file;
    std::map<std::string, RawSection> sections;
    bool readable = false;        ///< False where it is not YAML of that form at all, or empty.
    bool open_to_others = false;  ///< Somebody but its owner may read it.

    [[nodiscard]] const RawValue* find(const std::string& section, const std::string& key) const;
};

/// Reads a file; what is wrong with its form is added to `problems`, as the stream's where `stream` is not
/// empty.
Document read_document(const std::filesystem::path& file, const std::string& stream,
                       std::vector<Problem>& problems);

/// The values that an environment variable holds: one, or as many as a list written as [a, b] has. Nothing:
/// it is in brackets, but no list.
std::optional<std::vector<std::string>> values_of_text(const std::string& text);

}  // namespace mistamover::config
