// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/keys.hpp"
#include "config/settings.hpp"

namespace mistamover::config {

/// Looks up an environment variable; nullptr where there is none.
using EnvironmentLookup = std::function<const std::string*(const std::string& name)>;

/// The directory to which a relative path in this key is relative; empty: it stays as it is.
using BaseDirectory =
    std::function<std::filesystem::path(const std::string& section, const std::string& key)>;

/// One key's values with every reference replaced.
struct Expanded {
    std::vector<std::string> values;
    bool failed = false;  ///< `values` mean nothing then.
    bool secret = false;  ///< Holds a secret, its own or that of a key which it refers to.
    std::string problem;  ///< What is wrong with this key; empty where it failed for a fault of another key.
    bool cyclic = false;  ///< `problem` names a cycle that this key is part of.
};

/// Replaces `$(section:key)` and `$(env:NAME)`, at any depth; `$$(` stands for `$(`. Paths become absolute.
/// Looks at no file. What it is made from must outlive it.
class Expander {
  public:
    Expander(const SettingsMap& settings, const Sections& sections, const EnvironmentLookup& environment,
             BaseDirectory base_directory);

    /// The key must be set.
    const Expanded& expand(const std::string& section, const std::string& key);

  private:
    using Name = std::pair<std::string, std::string>;

    void mark_cycle(const Name& start);
    void compute(const Name& name, Expanded& result);
    std::string text(const std::string& value, Expanded& result);
    std::string reference(const std::string& section, const std::string& key, Expanded& result);
    [[nodiscard]] std::string missing(const std::string& section, const std::string& key) const;
    [[nodiscard]] const Key* known(const Name& name) const;

    const SettingsMap& settings_;
    const Sections& sections_;
    const EnvironmentLookup& environment_;
    BaseDirectory base_directory_;
    std::map<Name, Expanded> done_;
    std::vector<Name> path_;
};

/// A path as the rest of the program wants it: relative to `base` where it is relative, without needless
/// slashes. Pure.
std::string absolute_path(const std::string& path, const std::filesystem::path& base);

}  // namespace mistamover::config
