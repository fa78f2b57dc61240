// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/options.hpp>

#include "config/settings.hpp"

namespace mistamover::config {

/// One thing wrong with the configuration.
struct Problem {
    std::filesystem::path file;
    int line = 0;    ///< From 1; 0 where the problem is the file's as a whole.
    int column = 0;  ///< From 1.
    /// The stream that it keeps from running, by its file's stem (its name may be what is wrong); empty: it
    /// keeps everything from running.
    std::string stream;
    std::string text;  ///< What is wrong and what to do, without position.
};

/// "FILE:LINE:COLUMN: text", as compilers print it.
std::string to_string(const Problem& problem);

/// Where an effective setting came from: "FILE:LINE", "default", "plugin default" or "environment
/// MISTAMOVER__x__y".
using Origins = std::map<std::string, std::map<std::string, std::string>>;

/// A plugin's option schema, as values (the plugin itself is loaded in another process).
struct PluginSchema {
    struct Option {
        std::string name;
        OptionType type = OptionType::string;
        std::optional<std::string> default_value;
        std::string help;
        std::vector<std::string> choices;
        bool required = false;
        bool secret = false;
    };
    std::vector<Option> options;
    std::uint32_t capabilities = 0;  ///< Bits of mistamover::Capability.
};

/// Tells the schema of a plugin, by name or path; an implementation asks a child process, a test answers
/// itself.
class SchemaSource {
  public:
    struct Answer {
        std::optional<PluginSchema> schema;
        std::string error;  ///< Why there is none: the library's name and the reason.
    };
    virtual Answer schema(const std::string& plugin,
                          const std::vector<std::filesystem::path>& plugin_path) = 0;

  protected:
    ~SchemaSource() = default;
};

struct Stream {
    std::string name;
    std::filesystem::path file;
    SettingsMap settings;
    Origins origins;
};

struct Configuration {
    std::filesystem::path file;
    SettingsMap global;  ///< Sections of the global file alone, with defaults.
    Origins global_origins;
    std::vector<Stream> streams;    ///< Those without a problem, by name.
    std::vector<Problem> problems;  ///< In the order of file, line, column.
    std::vector<Problem> warnings;  ///< What is hardly meant so, but keeps nothing from running.
    /// The names of streams that have a problem, by their files' stems; not of those whose name cannot be
    /// told.
    std::map<std::string, std::string> broken_names;
    /// Secret keys, and those whose values refer to one: section -> keys, over all plugins met. `config show`
    /// prints no values of these.
    std::map<std::string, std::vector<std::string>> secrets;

    /// False where a problem keeps everything from running.
    [[nodiscard]] bool usable() const;
};

/// The global file by SPEC's rule: the argument, $MISTAMOVER_CONFIG, ./mistamover.yaml,
/// /etc/mistamover/mistamover.yaml.
std::filesystem::path configuration_file(const std::optional<std::string>& argument);

/// The environment of this process, as load takes it.
std::vector<std::string> environment_strings();

/// Reads and checks everything; throws nothing for bad input. Of two streams that get in each other's way
/// neither is used. `environment` as environ(7): "NAME=value" strings.
Configuration load(const std::filesystem::path& file, const std::vector<std::string>& environment,
                   SchemaSource& schemas);

}  // namespace mistamover::config
