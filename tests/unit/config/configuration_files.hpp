// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "scratch.hpp"

namespace mistamover::config {

/// Knows `carrier`, with one secret and one enumerated option, `bare`, with none, and of the modules that
/// come with the program the options by which a target is found.
class FakeSchemas final : public SchemaSource {
  public:
    Answer schema(const std::string& plugin, const std::vector<std::filesystem::path>&) override {
        PluginSchema schema;
        if (plugin == "carrier") {
            schema.options.push_back({"password", OptionType::string, std::nullopt, "", {}, false, true});
            schema.options.push_back(
                {"speed", OptionType::enumeration, "slow", "", {"slow", "fast"}, false, false});
        } else if (plugin == "ftp" || plugin == "sftp" || plugin == "rsync") {
            schema.options.push_back({"port", OptionType::integer, std::nullopt, "", {}, false, false});
            schema.options.push_back({"username", OptionType::string, std::nullopt, "", {}, false, false});
        } else if (plugin != "bare" && plugin != "local") {
            return {std::nullopt, "there is no plugin " + plugin};
        }
        if (plugin == "rsync") {
            schema.options.push_back(
                {"transport", OptionType::enumeration, "ssh", "", {"ssh", "daemon", "local"}, false, false});
        }
        return {schema, ""};
    }
};

/// A global file and the files of streams, to be loaded.
class Files {
  public:
    Files() { global(""); }
    void global(const std::string& more) {
        global_file("global: {top: " + scratch_.path().string() + "}\n" + more);
    }
    void global_file(const std::string& text) { test::write_file(scratch_ / "mistamover.yaml", text); }
    void stream(const std::string& text, const std::string& name = "p") {
        test::write_file(file(name), text);
        std::filesystem::permissions(file(name), std::filesystem::perms{0600});
    }
    [[nodiscard]] std::filesystem::path directory() const { return scratch_.path(); }
    [[nodiscard]] std::filesystem::path file(const std::string& name = "p") const {
        return scratch_.path() / "streams.d" / (name + ".yaml");
    }
    [[nodiscard]] Configuration load(const std::vector<std::string>& environment = {}) const {
        FakeSchemas schemas;
        return config::load(scratch_ / "mistamover.yaml", environment, schemas);
    }
    /// A line for each, as config check has it, without the directories.
    [[nodiscard]] std::string problems(const std::vector<std::string>& environment = {}) const {
        std::string all;
        for (const Problem& problem : load(environment).problems) {
            all += problem.file.filename().string() + ':' + std::to_string(problem.line) + ':' +
                   std::to_string(problem.column) + ": " + problem.text + '\n';
        }
        return all;
    }

  private:
    test::Scratch scratch_;
};

inline bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

inline constexpr char good[] = "outgoing: {plugin: carrier, target_dir: /target}\n";

}  // namespace mistamover::config
