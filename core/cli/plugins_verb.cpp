// SPDX-License-Identifier: BSD-3-Clause
#include "cli/plugins_verb.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>
#include <optional>
#include <ostream>
#include <set>
#include <system_error>
#include <utility>

#include "cli/options.hpp"
#include "cli/running_configuration.hpp"
#include "plugin_host/plugin.hpp"

namespace mistamover::cli {
namespace {

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell, the last one as it is.
void print_table(const std::vector<Row>& rows, std::ostream& out) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    for (const Row& row : rows) {
        for (std::size_t column = 0; column + 1 < row.size(); ++column) {
            out << std::left << std::setw(static_cast<int>(widths[column] + 2)) << row[column];
        }
        out << row.back() << '\n';
    }
}

std::string type_name(OptionType type) {
    switch (type) {
        case OptionType::boolean:
            return "bool";
        case OptionType::integer:
            return "int";
        case OptionType::duration:
            return "duration";
        case OptionType::size:
            return "size";
        case OptionType::path:
            return "path";
        case OptionType::enumeration:
            return "enum";
        case OptionType::list:
            return "list";
        case OptionType::string:
            return "string";
    }
    return "unknown";
}

std::string capability_names(std::uint32_t bits) {
    constexpr std::array<std::pair<Capability, const char*>, 13> names{{
        {Capability::list, "list"},
        {Capability::remove, "remove"},
        {Capability::rename, "rename"},
        {Capability::make_directory, "make_directory"},
        {Capability::tells_case_apart, "tells_case_apart"},
        {Capability::publish_rename, "publish_rename"},
        {Capability::checksum, "checksum"},
        {Capability::set_time, "set_time"},
        {Capability::free_space, "free_space"},
        {Capability::resume, "resume"},
        {Capability::mirror, "mirror"},
        {Capability::symlinks, "symlinks"},
        {Capability::take_source, "take_source"},
    }};
    std::string text;
    for (const auto& [capability, name] : names) {
        if ((bits & static_cast<std::uint32_t>(capability)) != 0) {
            text += (text.empty() ? "" : ", ") + std::string(name);
        }
    }
    return text.empty() ? "none beyond put, stat and get_small" : text;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : "|") + word;
    }
    return text.empty() ? "-" : text;
}

/// The libraries of one directory that are called like plugins, by name. A directory that cannot be read is
/// reported; one that is not there is not, as a search path may name places that only some hosts have.
std::vector<std::filesystem::path> libraries_in(const std::filesystem::path& directory, std::ostream& err) {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    std::filesystem::directory_iterator entries(directory, error);
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
        if (!plugin_host::plugin_name_of(entries->path()).empty()) {
            found.push_back(std::filesystem::absolute(entries->path()));
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        err << "mistamover: plugin directory " << directory.string() << ": " << error.message() << '\n';
    }
    std::sort(found.begin(), found.end());
    return found;
}

void print_options(const config::PluginSchema& schema, std::ostream& out) {
    if (schema.options.empty()) {
        out << "Options: none\n";
        return;
    }
    std::vector<Row> rows{{"Option", "Type", "Default", "Required", "Secret", "Choices", "Meaning"}};
    for (const config::PluginSchema::Option& option : schema.options) {
        rows.push_back({option.name, type_name(option.type), option.default_value.value_or("-"),
                        option.required ? "yes" : "no", option.secret ? "yes" : "no", joined(option.choices),
                        option.help});
    }
    print_table(rows, out);
}

/// `plugins.path` of the configuration. A plugin may be asked about without any configuration.
std::vector<std::filesystem::path> search_path(const std::string& config_argument) {
    const auto file =
        config::configuration_file(config_argument.empty() ? std::nullopt : std::optional(config_argument));
    if (config_argument.empty() && !std::filesystem::exists(file)) {
        return {};
    }
    return plugin_search_path(config_argument);
}

int list(const std::vector<std::string>& arguments) {
    const auto found = parse_options(arguments, "mistamover plugins list [CONFIG]", {}, 1);
    if (!found) {
        return 0;
    }
    const auto& words = (*found)["words"].as<std::vector<std::string>>();
    return plugins_list(search_path(words.empty() ? "" : words.front()), std::cout, std::cerr);
}

int info(const std::vector<std::string>& arguments) {
    const auto found = parse_options(arguments, "mistamover plugins info NAME [CONFIG]", {}, 2);
    if (!found) {
        return 0;
    }
    const auto& words = (*found)["words"].as<std::vector<std::string>>();
    if (words.empty()) {
        throw UsageError("`plugins info` must be followed by a plugin's name");
    }
    return plugins_info(words.front(), search_path(words.size() > 1 ? words[1] : ""), std::cout, std::cerr);
}

}  // namespace

int plugins_list(const std::vector<std::filesystem::path>& plugin_path, std::ostream& out, std::ostream& err,
                 const plugin_host::QueryChild& child) {
    std::vector<std::filesystem::path> directories = plugin_path;
    directories.push_back(plugin_host::builtin_plugin_directory());
    std::vector<Row> rows{{"Name", "Version", "Summary", "File"}};
    std::vector<std::string> refused;
    std::set<std::string> seen_files;
    std::set<std::string> seen_names;
    for (const std::filesystem::path& directory : directories) {
        for (const std::filesystem::path& library : libraries_in(directory, err)) {
            if (!seen_files.insert(library.string()).second) {
                continue;
            }
            const bool hidden = !seen_names.insert(plugin_host::plugin_name_of(library)).second;
            try {
                const plugin_host::PluginInfo info = plugin_host::query_plugin(library, child);
                rows.push_back(
                    {info.name, info.version, info.summary,
                     library.string() + (hidden ? " (not used: an earlier directory has this name)" : "")});
            } catch (const plugin_host::PluginRefused& reason) {
                refused.emplace_back(reason.what());
            }
        }
    }
    print_table(rows, out);
    if (!refused.empty()) {
        out << "\nRefused:\n";
    }
    for (const std::string& reason : refused) {
        out << "  " << reason << '\n';
    }
    return 0;
}

int plugins_info(const std::string& name, const std::vector<std::filesystem::path>& plugin_path,
                 std::ostream& out, std::ostream& err, const plugin_host::QueryChild& child) {
    try {
        const plugin_host::PluginInfo info =
            plugin_host::query_plugin(plugin_host::find_plugin(name, plugin_path), child);
        print_table({{"Name:", info.name},
                     {"Version:", info.version},
                     {"Summary:", info.summary},
                     {"File:", info.library.string()},
                     {"SDK version:", info.sdk_version},
                     {"Capabilities:", capability_names(info.schema.capabilities)}},
                    out);
        out << '\n';
        print_options(info.schema, out);
        return 0;
    } catch (const plugin_host::PluginRefused& reason) {
        err << "mistamover: " << reason.what() << '\n';
        return 2;
    }
}

int plugins(const std::vector<std::string>& arguments) {
    const std::string which = arguments.empty() ? "" : arguments.front();
    const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
    if (which.empty() || which == "list") {
        return list(rest);
    }
    if (which == "info") {
        return info(rest);
    }
    throw UsageError("`plugins` must be followed by list or info");
}

}  // namespace mistamover::cli
