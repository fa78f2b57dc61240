// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/document.hpp"
#include "config/expand.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"

namespace mistamover::config {

/// One MISTAMOVER__section__key of the environment.
struct Override {
    std::string variable;
    std::string section;  ///< Empty where the name has not that form.
    std::string key;
    std::string text;
};

/// Those in an environment, by name. Pure.
std::vector<Override> overrides_in(const std::map<std::string, std::string>& environment);

/// What an override sets a key to: its text, and only for a key that is a list what a list in it holds.
/// Nothing where that cannot be told: it is empty, or in brackets but no list. Pure.
std::optional<std::vector<std::string>> values_of(const Override& override, const Key& key);

/// What is wrong with the form of a value as written, before any reference in it is replaced; what can only
/// be told after that passes. Pure. Never quotes a secret.
std::optional<std::pair<Position, std::string>> raw_problem(const Key& key, const RawValue& value);

/// The settings of the program, or of one stream, from their layers: defaults, global file, stream file,
/// environment. A key that a file names without a value is as if no file named it. What it is made from must
/// outlive it.
class Layers {
  public:
    using Name = std::pair<std::string, std::string>;  ///< Section and key.

    struct Setup {
        const Sections& sections;
        const EnvironmentLookup& environment;
        const Document& global;
        const Document* own = nullptr;  ///< The stream's; nullptr: the settings of the program are made.
        std::string stream;
        /// The program's reported_keys, where a stream's settings are not to tell of them again.
        const std::set<Name>* reported_globally = nullptr;
    };
    Layers(const Setup& setup, std::vector<Problem>& problems);

    void set_default(const std::string& section, const std::string& key, const std::string& value);
    /// Puts the files' values over the defaults, and the overrides over those.
    void fill(const std::vector<Override>& overrides);

    /// One key's values; nothing where it is not set or not good. Reports nothing.
    std::vector<std::string> peek(const std::string& section, const std::string& key);

    /// Replaces references, checks types and what is required, and reports. Without the keys that are not
    /// good.
    SettingsMap finish();

    void report(const std::string& section, const std::string& key, const std::string& text);
    [[nodiscard]] bool is_bad(const std::string& section, const std::string& key) const {
        return bad_.contains({section, key});
    }
    [[nodiscard]] const Origins& origins() const { return origins_; }
    /// Keys whose values hold secrets. After finish.
    [[nodiscard]] const std::set<Name>& secret_keys() const { return secret_keys_; }
    /// Keys of which a problem was reported.
    [[nodiscard]] const std::set<Name>& reported_keys() const { return reported_; }

  private:
    struct Default {
        std::string value;
        std::string origin;
    };
    struct Place {
        const Document* document;
        const RawValue* value;
    };

    void reset(const Name& name);
    void add(const Document& document);
    void add_value(const Document& document, const Name& name, const Key& key, const RawValue& value);
    void finish_key(const Name& name, std::map<std::string, std::vector<std::string>>& into);
    [[nodiscard]] bool hides_cycle(const Name& name, const Expanded& expanded) const;
    void check_value(const Name& name, std::string& value, std::size_t index, bool secret);
    void check_required(const SettingsMap& result);
    void check_secret_file(const Name& name, const std::string& file);
    [[nodiscard]] const Key& key_of(const Name& name) const;
    [[nodiscard]] Position position_of(const Name& name, std::size_t index) const;
    [[nodiscard]] std::filesystem::path base_directory(const Name& name) const;
    [[nodiscard]] bool is_checked_globally(const Name& name) const;
    [[nodiscard]] bool is_plugin_default(const Name& name) const;
    [[nodiscard]] bool is_reported_globally(const Name& name) const;
    void report_at(const Name& name, std::size_t index, const std::string& text);
    Expander& expander();

    const Setup setup_;
    std::vector<Problem>& problems_;
    std::map<Name, Default> defaults_;
    SettingsMap settings_;
    Origins origins_;
    std::map<Name, Place> places_;
    std::map<Name, std::string> overridden_;  ///< By which variable.
    std::set<Name> bad_;
    std::set<Name> reported_;
    std::set<Name> secret_keys_;
    std::optional<Expander> expander_;
};

}  // namespace mistamover::config
