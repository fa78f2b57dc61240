// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/combinations.hpp"
#include "config/document.hpp"
#include "config/expand.hpp"
#include "config/keys.hpp"
#include "config/layers.hpp"
#include "config/load.hpp"
#include "config/names.hpp"
#include "config/stream_conflicts.hpp"
#include "config/stream_files.hpp"

namespace mistamover::config {

/// The body of load().
class Loader {
  public:
    Loader(const std::filesystem::path& file, const std::vector<std::string>& environment,
           SchemaSource& schemas);

    /// To be called once.
    Configuration load();

  private:
    struct LoadedStream {
        Document document;
        Stream stream;
        StreamPaths paths;
    };
    struct Module {
        Keys keys;
        std::string error;
        bool known = false;
    };

    /// Those that depend on where the global file is.
    void set_program_defaults(Layers& layers) const;
    void load_global();
    void load_stream(const StreamFile& file);
    std::string plugin_of(const Document& document, const std::string& stem);
    const Module& module(const std::string& plugin);
    void check_stream_names(const Document& document, const std::string& stem, const std::string& plugin,
                            const Sections& sections);
    void check_together(Layers& layers, const SettingsMap& settings, StreamPaths& paths);
    void note_secrets(const Sections& sections, const Layers& layers);
    void ask_for_unused_modules();
    void check_global_names();
    void check_between_streams();
    void finish();

    SchemaSource& schemas_;
    std::map<std::string, std::string> environment_;
    EnvironmentLookup lookup_;
    std::vector<Override> overrides_;
    Document global_;
    std::set<Layers::Name> reported_globally_;
    Configuration result_;
    std::map<std::string, Module> modules_;  ///< By what outgoing.plugin says.
    std::map<std::string, Keys> used_;  ///< The modules' sections, where two libraries share one their union.
    std::set<std::string> unknown_modules_;  ///< Sections of modules that cannot be asked.
    std::vector<LoadedStream> streams_;
};

}  // namespace mistamover::config
