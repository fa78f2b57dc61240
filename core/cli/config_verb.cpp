// SPDX-License-Identifier: BSD-3-Clause
#include "cli/config_verb.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <set>

#include "cli/options.hpp"
#include "cli/printable.hpp"
#include "cli/running_configuration.hpp"
#include "plugin_host/schema_query.hpp"

namespace mistamover::cli {
namespace {

// As YAML would need it written, with nothing that a terminal might act on.
std::string quoted(const std::string& value) {
    constexpr std::string_view special = "\"'#&*!|>%@`{}[],?:";
    const bool plain = !value.empty() && value.front() != ' ' && value.back() != ' ' &&
                       value.front() != '-' && value.back() != ':' &&
                       special.find(value.front()) == std::string_view::npos &&
                       value.find(": ") == std::string::npos && value.find(" #") == std::string::npos &&
                       value.find(", ") == std::string::npos &&
                       std::none_of(value.begin(), value.end(),
                                    [](unsigned char c) { return c < 32 || c == 127 || c == '\\'; });
    if (plain) {
        return value;
    }
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            text += '\\';
            text += c;
        } else if (static_cast<unsigned char>(c) < 32 || c == 127) {
            std::array<char, 5> escape{};
            std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(c) & 0xFFU);
            text += escape.data();
        } else {
            text += c;
        }
    }
    return text + '"';
}

std::string shown(const std::vector<std::string>& values, bool secret) {
    if (secret) {
        return "********";
    }
    if (values.size() == 1) {
        return quoted(values.front());
    }
    std::string text = "[";
    for (const std::string& value : values) {
        text += (text.size() > 1 ? ", " : "") + quoted(value);
    }
    return text + ']';
}

void print_settings(std::ostream& out, const config::Configuration& configuration,
                    const config::SettingsMap& settings, const config::Origins& origins) {
    for (const auto& [section, keys] : settings) {
        if (keys.empty()) {
            continue;
        }
        out << section << ":\n";
        const auto secrets = configuration.secrets.find(section);
        for (const auto& [key, values] : keys) {
            const bool secret =
                secrets != configuration.secrets.end() &&
                std::find(secrets->second.begin(), secrets->second.end(), key) != secrets->second.end();
            out << "  " << key << ": " << shown(values, secret) << "  # "
                << printable(origins.at(section).at(key)) << '\n';
        }
    }
}

// A problem of a value in the global file may be that of many streams; it is one to whoever mends it.
std::vector<std::string> lines_of(const std::vector<config::Problem>& problems) {
    std::vector<std::string> lines;
    std::set<std::string> met;
    for (const config::Problem& problem : problems) {
        std::string line = printable(to_string(problem));
        if (met.insert(line).second) {
            lines.push_back(std::move(line));
        }
    }
    return lines;
}

int show_stream(std::ostream& out, std::ostream& errors, const config::Configuration& configuration,
                const std::string& name) {
    bool good = configuration.usable();
    for (const config::Problem& problem : configuration.problems) {
        if (problem.stream.empty() || problem.stream == name) {
            errors << printable(to_string(problem)) << '\n';
            good = false;
        }
    }
    const auto is_wanted = [&](const config::Stream& stream) {
        return stream.name == name || stream.file.stem() == name;
    };
    const auto stream = std::find_if(configuration.streams.begin(), configuration.streams.end(), is_wanted);
    if (stream != configuration.streams.end()) {
        print_settings(out, configuration, stream->settings, stream->origins);
    } else if (good) {
        errors << "mistamover: there is no stream `" << printable(name) << "`\n";
        good = false;
    }
    return good ? 0 : 2;
}

int check(const std::vector<std::string>& arguments) {
    const auto found = parse_options(arguments, "mistamover config check [CONFIG]", {}, 1);
    if (!found) {
        return 0;
    }
    const auto& words = (*found)["words"].as<std::vector<std::string>>();
    plugin_host::ChildSchemaSource schemas;
    const auto file = config::configuration_file(words.empty() ? std::nullopt : std::optional(words.front()));
    return config_check(std::cout, file, config::environment_strings(), schemas);
}

int show(const std::vector<std::string>& arguments) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()("config", po::value<std::string>()->default_value("", ""), "the global file");
    const auto found =
        parse_options(arguments, "mistamover config show [STREAM] [--config FILE]", options, 1);
    if (!found) {
        return 0;
    }
    const auto& words = (*found)["words"].as<std::vector<std::string>>();
    const std::string given = (*found)["config"].as<std::string>();
    plugin_host::ChildSchemaSource schemas;
    return config_show(
        std::cout, std::cerr, config::configuration_file(given.empty() ? std::nullopt : std::optional(given)),
        words.empty() ? std::nullopt : std::optional(words.front()), config::environment_strings(), schemas);
}

}  // namespace

int config_check(std::ostream& out, const std::filesystem::path& file,
                 const std::vector<std::string>& environment, config::SchemaSource& schemas) {
    const config::Configuration configuration = config::load(file, environment, schemas);
    for (const config::Problem& warning : configuration.warnings) {
        out << printable(to_string(warning)) << '\n';
    }
    const std::vector<std::string> lines = lines_of(configuration.problems);
    for (const std::string& line : lines) {
        out << line << '\n';
    }
    if (!lines.empty()) {
        out << lines.size() << (lines.size() == 1 ? " problem\n" : " problems\n");
        return 2;
    }
    out << "the configuration is good; streams: " << configuration.streams.size() << "\n";
    return 0;
}

int config_show(std::ostream& out, std::ostream& errors, const std::filesystem::path& file,
                const std::optional<std::string>& stream, const std::vector<std::string>& environment,
                config::SchemaSource& schemas) {
    const config::Configuration configuration = config::load(file, environment, schemas);
    if (stream) {
        return show_stream(out, errors, configuration, *stream);
    }
    for (const std::string& line : lines_of(configuration.problems)) {
        errors << line << '\n';
    }
    print_settings(out, configuration, configuration.global, configuration.global_origins);
    for (const config::Stream& each : configuration.streams) {
        out << "\n# stream " << quoted(each.name) << " (" << printable(each.file.string()) << ")\n";
        print_settings(out, configuration, each.settings, each.origins);
    }
    return configuration.problems.empty() ? 0 : 2;
}

int config(const std::vector<std::string>& arguments) {
    const std::string which = arguments.empty() ? "" : arguments.front();
    const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
    if (which == "check") {
        return check(rest);
    }
    if (which == "show") {
        return show(rest);
    }
    throw UsageError("`config` must be followed by check or show");
}

}  // namespace mistamover::cli
