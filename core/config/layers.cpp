// SPDX-License-Identifier: BSD-3-Clause
#include "config/layers.hpp"

#include "config/secret_file.hpp"

namespace mistamover::config {
namespace {

constexpr std::string_view override_prefix = "MISTAMOVER__";

bool holds_reference(const RawValue& value) {
    for (const std::string& text : value.values) {
        if (text.find("$(") != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::vector<Override> overrides_in(const std::map<std::string, std::string>& environment) {
    std::vector<Override> found;
    for (auto entry = environment.lower_bound(std::string(override_prefix));
         entry != environment.end() && entry->first.starts_with(override_prefix); ++entry) {
        const std::string name = entry->first.substr(override_prefix.size());
        Override& added = found.emplace_back();
        added.variable = entry->first;
        added.text = entry->second;
        const auto cut = name.find("__");
        if (cut != std::string::npos && cut > 0 && cut + 2 < name.size()) {
            added.section = name.substr(0, cut);
            added.key = name.substr(cut + 2);
        }
    }
    return found;
}

std::optional<std::vector<std::string>> values_of(const Override& override, const Key& key) {
    if (override.text.empty()) {
        return std::nullopt;
    }
    return key.type == OptionType::list ? values_of_text(override.text)
                                        : std::optional(std::vector<std::string>{override.text});
}

std::optional<std::pair<Position, std::string>> raw_problem(const Key& key, const RawValue& value) {
    if (value.is_list && key.type != OptionType::list) {
        return {{value.at, "must be one value, not a list"}};
    }
    if (holds_reference(value)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < value.values.size(); ++i) {
        std::string text = value.values[i];
        const std::string problem = value_problem(key, text);
        if (!problem.empty()) {
            const std::string quoted = key.secret ? "" : ", not `" + shown(value.values[i]) + "`";
            return {{value.values_at[i], problem + quoted}};
        }
    }
    return std::nullopt;
}

Layers::Layers(const Setup& setup, std::vector<Problem>& problems) : setup_(setup), problems_(problems) {
    for (const auto& [section, keys] : setup_.sections) {
        settings_[section];
        for (const auto& [name, key] : *keys) {
            if (key.default_value) {
                defaults_[{section, name}] = {*key.default_value,
                                              key.of_plugin ? "plugin default" : "default"};
                reset({section, name});
            }
        }
    }
}

void Layers::set_default(const std::string& section, const std::string& key, const std::string& value) {
    defaults_[{section, key}] = {value, "default"};
    reset({section, key});
}

// To what it is where nothing is written.
void Layers::reset(const Name& name) {
    const auto found = defaults_.find(name);
    if (found == defaults_.end()) {
        settings_[name.first].erase(name.second);
        origins_[name.first].erase(name.second);
        return;
    }
    settings_[name.first][name.second] = {found->second.value};
    origins_[name.first][name.second] = found->second.origin;
    places_.erase(name);
}

void Layers::fill(const std::vector<Override>& overrides) {
    add(setup_.global);
    if (setup_.own != nullptr) {
        add(*setup_.own);
    }
    for (const Override& override : overrides) {
        const auto section = setup_.sections.find(override.section);
        if (section == setup_.sections.end() || !section->second->contains(override.key)) {
            continue;
        }
        const std::optional<std::vector<std::string>> values =
            values_of(override, section->second->at(override.key));
        if (!values) {
            continue;
        }
        const Name name{override.section, override.key};
        settings_[override.section][override.key] = *values;
        origins_[override.section][override.key] = "environment " + override.variable;
        overridden_[name] = override.variable;
        places_.erase(name);
        bad_.erase(name);
    }
}

void Layers::add(const Document& document) {
    for (const auto& [section, body] : document.sections) {
        const auto known = setup_.sections.find(section);
        if (known == setup_.sections.end()) {
            continue;
        }
        for (const auto& [name, value] : body.keys) {
            const auto key = known->second->find(name);
            if (key != known->second->end()) {
                add_value(document, {section, name}, key->second, value);
            }
        }
    }
}

void Layers::add_value(const Document& document, const Name& name, const Key& key, const RawValue& value) {
    places_[name] = {&document, &value};
    bad_.erase(name);
    if (value.values.empty() && !value.is_list) {
        reset(name);
        return;
    }
    settings_[name.first][name.second] = value.values;
    origins_[name.first][name.second] = document.file.string() + ':' + std::to_string(value.key_at.line);
    if (value.is_list && key.type != OptionType::list) {
        if (!is_checked_globally(name)) {
            report(name.first, name.second, "must be one value, not a list");
        }
        bad_.insert(name);
    }
}

Expander& Layers::expander() {
    if (!expander_) {
        expander_.emplace(settings_, setup_.sections, setup_.environment,
                          [this](const std::string& section, const std::string& key) {
                              return base_directory({section, key});
                          });
    }
    return *expander_;
}

std::vector<std::string> Layers::peek(const std::string& section, const std::string& key) {
    const auto keys = settings_.find(section);
    if (keys == settings_.end() || !keys->second.contains(key) || is_bad(section, key)) {
        return {};
    }
    const Expanded& expanded = expander().expand(section, key);
    return expanded.failed ? std::vector<std::string>{} : expanded.values;
}

SettingsMap Layers::finish() {
    SettingsMap result;
    for (const auto& [section, keys] : settings_) {
        auto& into = result[section];
        for (const auto& [key, unused] : keys) {
            finish_key({section, key}, into);
        }
    }
    check_required(result);
    return result;
}

void Layers::finish_key(const Name& name, std::map<std::string, std::vector<std::string>>& into) {
    const Expanded& expanded = expander().expand(name.first, name.second);
    if (expanded.secret) {
        secret_keys_.insert(name);
    }
    if (expanded.failed) {
        if (!expanded.problem.empty() && !hides_cycle(name, expanded)) {
            report_at(name, 0, expanded.problem);
        }
        bad_.insert(name);
    }
    if (bad_.contains(name)) {
        return;
    }
    std::vector<std::string> values = expanded.values;
    for (std::size_t i = 0; i < values.size(); ++i) {
        check_value(name, values[i], i, expanded.secret);
    }
    if (bad_.contains(name)) {
        return;
    }
    if (!values.empty() && key_of(name).type == OptionType::path) {
        check_secret_file(name, values.front());
    }
    into[name.second] = std::move(values);
}

// A default that takes part in a cycle is not to blame: somebody wrote the key that closes it.
bool Layers::hides_cycle(const Name& name, const Expanded& expanded) const {
    const auto found = origins_.find(name.first);
    const bool is_default = found != origins_.end() && found->second.contains(name.second) &&
                            found->second.at(name.second) == "default";
    return is_default && expanded.cyclic;
}

void Layers::check_value(const Name& name, std::string& value, std::size_t index, bool secret) {
    const std::string written = value;
    const std::string problem = value_problem(key_of(name), value);
    if (problem.empty()) {
        return;
    }
    if (is_plugin_default(name)) {
        return;
    }
    if (!is_checked_globally(name)) {
        report_at(name, index, secret ? problem : problem + ", not `" + shown(written) + "`");
    }
    bad_.insert(name);
}

bool Layers::is_plugin_default(const Name& name) const {
    return key_of(name).of_plugin && !overridden_.contains(name) && !places_.contains(name);
}

// What the sections for the whole program hold is reported when the program's own settings are made; but what
// is good there can fail here, for what the stream's file has in such a section.
bool Layers::is_reported_globally(const Name& name) const {
    const auto place = places_.find(name);
    return setup_.reported_globally != nullptr && setup_.reported_globally->contains(name) &&
           (place == places_.end() || place->second.document == &setup_.global);
}

void Layers::check_required(const SettingsMap& result) {
    const auto is_set = [&](const std::string& section, const std::string& key) {
        return result.at(section).contains(key) || is_bad(section, key);
    };
    for (const auto& [section, keys] : setup_.sections) {
        for (const auto& [name, key] : *keys) {
            const std::string file = name + "_file";
            const bool has_file = key.secret && keys->contains(file) && is_set(section, file);
            if (key.required && !is_set(section, name) && !has_file) {
                const std::string alternative = key.secret && keys->contains(file) ? ", or " + file : "";
                report(section, name, "must be set" + alternative);
            }
            if (has_file && is_set(section, name)) {
                report(section, file, "and `" + name + "` are both set; keep one");
            }
        }
    }
}

// password_file and its like; it is read only when the plugin is made, or connects.
void Layers::check_secret_file(const Name& name, const std::string& file) {
    constexpr std::string_view suffix = "_file";
    if (!name.second.ends_with(suffix)) {
        return;
    }
    const std::string stem = name.second.substr(0, name.second.size() - suffix.size());
    const Keys& keys = *setup_.sections.at(name.first);
    const auto secret = keys.find(stem);
    if (stem != "password" && stem != "passphrase" && (secret == keys.end() || !secret->second.secret)) {
        return;
    }
    const std::string problem = secret_file_problem(file);
    if (!problem.empty()) {
        report_at(name, 0, problem);
    }
}

const Key& Layers::key_of(const Name& name) const {
    return setup_.sections.at(name.first)->at(name.second);
}

// A value in the global file is checked there once, for all streams.
bool Layers::is_checked_globally(const Name& name) const {
    const auto place = places_.find(name);
    return setup_.own != nullptr && place != places_.end() && place->second.document == &setup_.global &&
           (place->second.value->is_list || !holds_reference(*place->second.value)) &&
           raw_problem(key_of(name), *place->second.value).has_value();
}

Position Layers::position_of(const Name& name, std::size_t index) const {
    const auto place = places_.find(name);
    if (place != places_.end()) {
        const RawValue& value = *place->second.value;
        return index > 0 && index < value.values_at.size() ? value.values_at[index] : value.at;
    }
    const Document& main = setup_.own != nullptr ? *setup_.own : setup_.global;
    const auto section = main.sections.find(name.first);
    return section == main.sections.end() ? Position{1, 1} : section->second.at;
}

std::filesystem::path Layers::base_directory(const Name& name) const {
    const auto place = places_.find(name);
    if (place != places_.end()) {
        return place->second.document->file.parent_path();
    }
    return is_plugin_default(name) ? std::filesystem::path() : setup_.global.file.parent_path();
}

void Layers::report(const std::string& section, const std::string& key, const std::string& text) {
    report_at({section, key}, 0, text);
}

void Layers::report_at(const Name& name, std::size_t index, const std::string& text) {
    if (is_reported_globally(name)) {
        return;
    }
    reported_.insert(name);
    const auto place = places_.find(name);
    const auto overridden = overridden_.find(name);
    std::string whole = "`" + name.first + '.' + name.second + "` ";
    if (overridden != overridden_.end()) {
        problems_.push_back({setup_.global.file, 0, 0, setup_.stream,
                             whole + "(from the environment, " + overridden->second + ") " + text});
        return;
    }
    const Document& main = setup_.own != nullptr ? *setup_.own : setup_.global;
    const Document& document = place == places_.end() ? main : *place->second.document;
    const Position at = position_of(name, index);
    problems_.push_back({document.file, at.line, at.column, setup_.stream, whole + text});
}

}  // namespace mistamover::config
