// SPDX-License-Identifier: BSD-3-Clause
#include "config/keys.hpp"

#include <algorithm>
#include <charconv>

namespace mistamover::config {
namespace {

constexpr std::int64_t milliseconds_of_a_day = 86'400'000;

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return lower;
}

std::string boolean_problem(std::string& value) {
    const std::optional<bool> flag = parse_boolean(lower_case(value));
    if (!flag) {
        return "must be true or false";
    }
    value = *flag ? "true" : "false";
    return "";
}

std::string integer_problem(const Key& key, const std::string& value) {
    std::int64_t number = 0;
    const char* const last = value.data() + value.size();
    const auto [end, error] = std::from_chars(value.data(), last, number);
    if (error != std::errc{} || end != last) {
        return "must be a whole number";
    }
    if (number >= key.minimum && number <= key.maximum) {
        return "";
    }
    return key.maximum == std::numeric_limits<std::int64_t>::max()
               ? "must be at least " + std::to_string(key.minimum)
               : "must be from " + std::to_string(key.minimum) + " to " + std::to_string(key.maximum);
}

std::string duration_problem(const Key& key, const std::string& value) {
    const auto duration = parse_duration(value);
    if (!duration) {
        return "must be a duration of at most 100 years (36500d): seconds, or with a unit as in 500ms, 3s, "
               "10min";
    }
    if (duration->count() > key.maximum) {
        return "must be at most " + std::to_string(key.maximum / milliseconds_of_a_day) + "d";
    }
    return key.above_zero && duration->count() == 0 ? "must be more than 0" : "";
}

std::string size_problem(const Key& key, std::string& value) {
    const auto bytes = parse_size(value, key.bare_megabytes ? megabyte : ByteCount{1});
    if (!bytes) {
        return "must be a size of at most 9000000TB: a number, or with a unit as in 50MB, 2GiB";
    }
    const auto as_bytes = parse_size(value);
    if (key.bare_megabytes && (!as_bytes || as_bytes->bytes != bytes->bytes)) {
        value += "MB";
    }
    return key.above_zero && bytes->bytes == 0 ? "must be more than 0" : "";
}

std::string choice_problem(const Key& key, const std::string& value) {
    if (std::find(key.choices.begin(), key.choices.end(), value) != key.choices.end()) {
        return "";
    }
    std::string problem = "must be one of";
    for (const std::string& choice : key.choices) {
        problem += ' ' + choice;
    }
    return problem;
}

std::string text_problem(const Key& key, const std::string& value) {
    if (value.find('\0') != std::string::npos) {
        return "must not hold a NUL byte";
    }
    if (key.holds_paths && value.empty() && !key.of_plugin) {
        return "must not be empty: a path is wanted";
    }
    if (key.holds_paths && key.type == OptionType::path && value.starts_with('~')) {
        return "must be a whole path: `~` is not replaced, $(env:HOME) is";
    }
    if (key.file_name && !usable_as_file_name(value)) {
        return "must be usable in a file name: not empty, not over 200 bytes, no `/`, no control character";
    }
    if (key.dot_name && !value.starts_with('.')) {
        return "must begin with a dot, as .stop does: what does not is data, to be sent or deleted";
    }
    return "";
}

}  // namespace

bool is_global_section(const std::string& section) {
    return section == "global" || section == "plugins" || section == "logging" || section == "email" ||
           section == "disk_space_monitor";
}

Keys plugin_keys(const PluginSchema& schema) {
    Keys keys;
    for (const PluginSchema::Option& option : schema.options) {
        Key& key = keys[option.name];
        key.type = option.type;
        key.default_value = option.default_value;
        key.choices = option.choices;
        key.required = option.required;
        key.secret = option.secret;
        key.of_plugin = true;
        key.holds_paths = option.type == OptionType::path;
    }
    const auto password = keys.find("password");
    if (password != keys.end() && password->second.secret && !keys.contains("password_file")) {
        Key& file = keys["password_file"];
        file.type = OptionType::path;
        file.of_plugin = true;
        file.holds_paths = true;
    }
    return keys;
}

const std::vector<std::string>& bundled_modules() {
    static const std::vector<std::string> names{"ftp", "local", "rsync", "sftp"};
    return names;
}

std::string value_problem(const Key& key, std::string& value) {
    switch (key.type) {
        case OptionType::boolean:
            return boolean_problem(value);
        case OptionType::integer:
            return integer_problem(key, value);
        case OptionType::duration:
            return duration_problem(key, value);
        case OptionType::size:
            return size_problem(key, value);
        case OptionType::enumeration:
            return choice_problem(key, value);
        case OptionType::path:
        case OptionType::list:
        case OptionType::string:
            return text_problem(key, value);
    }
    return "";
}

bool usable_as_file_name(std::string_view name) {
    constexpr std::size_t longest = 200;  // leaves room for what is put before and behind
    const auto usable = [](char c) { return c != '/' && static_cast<unsigned char>(c) >= 32 && c != 127; };
    return !name.empty() && name.size() <= longest && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), usable);
}

std::string shown(std::string_view value) {
    constexpr std::size_t longest = 80;
    std::string text(value.substr(0, longest));
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 32 || c == 127) {
            c = '?';
        }
    }
    return value.size() > longest ? text + "..." : text;
}

}  // namespace mistamover::config
