// SPDX-License-Identifier: BSD-3-Clause
#include "config/expand.hpp"

#include <algorithm>

#include "config/nearest_name.hpp"

namespace mistamover::config {
namespace {

std::string written(const std::pair<std::string, std::string>& name) {
    return name.first + ':' + name.second;
}

void fail(Expanded& result, const std::string& problem) {
    result.failed = true;
    if (result.problem.empty()) {
        result.problem = problem;
    }
}

}  // namespace

Expander::Expander(const SettingsMap& settings, const Sections& sections,
                   const EnvironmentLookup& environment, BaseDirectory base_directory)
    : settings_(settings),
      sections_(sections),
      environment_(environment),
      base_directory_(std::move(base_directory)) {}

const Expanded& Expander::expand(const std::string& section, const std::string& key) {
    const Name name{section, key};
    const auto [entry, is_new] = done_.try_emplace(name);
    Expanded& result = entry->second;
    if (is_new) {
        path_.push_back(name);
        compute(name, result);
        path_.pop_back();
    } else if (std::find(path_.begin(), path_.end(), name) != path_.end()) {
        mark_cycle(name);
    }
    return result;
}

void Expander::mark_cycle(const Name& start) {
    const auto first = std::find(path_.begin(), path_.end(), start);
    std::string cycle;
    for (auto step = first; step != path_.end(); ++step) {
        cycle += written(*step) + " -> ";
    }
    for (auto step = first; step != path_.end(); ++step) {
        fail(done_[*step], "refers to itself: " + cycle + written(start));
        done_[*step].cyclic = true;
    }
}

void Expander::compute(const Name& name, Expanded& result) {
    const Key* key = known(name);
    result.secret = key != nullptr && key->secret;
    result.values = settings_.at(name.first).at(name.second);
    for (std::string& value : result.values) {
        value = text(value, result);
        if (!result.failed && key != nullptr && key->holds_paths) {
            value = absolute_path(value, base_directory_(name.first, name.second));
        }
    }
}

std::string Expander::text(const std::string& value, Expanded& result) {
    std::string replaced;
    std::size_t at = 0;
    while (true) {
        const auto start = value.find("$(", at);
        if (start == std::string::npos) {
            return replaced + value.substr(at);
        }
        if (start > at && value[start - 1] == '$') {
            replaced += value.substr(at, start - 1 - at) + "$(";
            at = start + 2;
            continue;
        }
        replaced += value.substr(at, start - at);
        const auto end = value.find(')', start);
        const auto colon = value.find(':', start);
        if (end == std::string::npos || colon == std::string::npos || colon > end) {
            fail(result, "`$(` must begin $(section:key) or $(env:NAME); write `$$(` for `$(` itself");
            return "";
        }
        replaced += reference(value.substr(start + 2, colon - start - 2),
                              value.substr(colon + 1, end - colon - 1), result);
        at = end + 1;
    }
}

std::string Expander::reference(const std::string& section, const std::string& key, Expanded& result) {
    // What looks like a reference may be a part of a secret.
    const std::string name = result.secret ? "has a `$(` that" : shown("$(" + section + ":" + key + ")");
    if (section == "env") {
        const std::string* found = environment_(key);
        if (found == nullptr) {
            fail(result, name + " refers to an environment variable that is not set");
        }
        return found == nullptr ? "" : *found;
    }
    const auto keys = settings_.find(section);
    if (keys == settings_.end() || !keys->second.contains(key)) {
        fail(result, name + (result.secret ? " refers to nothing; write `$$(` for `$(` itself"
                                           : missing(section, key)));
        return "";
    }
    const Expanded& other = expand(section, key);
    result.secret = result.secret || other.secret;
    if (other.failed) {
        result.failed = true;
        return "";
    }
    if (other.values.size() != 1) {
        fail(result, name + " refers to a list");
        return "";
    }
    return other.values.front();
}

std::string Expander::missing(const std::string& section, const std::string& key) const {
    if (known({section, key}) != nullptr) {
        return " refers to a key that has no value here";
    }
    std::vector<std::string> candidates;
    for (const auto& [section_name, keys] : settings_) {
        for (const auto& [key_name, unused] : keys) {
            candidates.push_back("$(" + section_name + ':' + key_name + ')');
        }
    }
    return " refers to a key that does not exist" +
           did_you_mean("$(" + section + ':' + key + ')', candidates);
}

const Key* Expander::known(const Name& name) const {
    const auto section = sections_.find(name.first);
    if (section == sections_.end()) {
        return nullptr;
    }
    const auto key = section->second->find(name.second);
    return key == section->second->end() ? nullptr : &key->second;
}

std::string absolute_path(const std::string& path, const std::filesystem::path& base) {
    if (path.empty() || base.empty() || path.front() == '~') {
        return path;
    }
    const std::filesystem::path whole = base / path;
    // Where a symbolic link may come before `..`, only the file system knows what is meant.
    const bool climbs = std::find(whole.begin(), whole.end(), "..") != whole.end();
    std::string text = climbs ? whole.string() : whole.lexically_normal().string();
    while (text.size() > 1 && text.back() == '/') {
        text.pop_back();
    }
    return text;
}

}  // namespace mistamover::config
