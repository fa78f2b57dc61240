// SPDX-License-Identifier: BSD-3-Clause
#include "config/loader.hpp"

#include <algorithm>
#include <tuple>

#include "config/nearest_name.hpp"
#include "config/places.hpp"

namespace mistamover::config {
namespace {

Sections core_sections() {
    Sections sections;
    for (const auto& [name, keys] : core_keys()) {
        sections[name] = &keys;
    }
    return sections;
}

Sections global_sections() {
    Sections sections = core_sections();
    std::erase_if(sections, [](const auto& section) { return !is_global_section(section.first); });
    return sections;
}

bool comes_with_the_program(const std::string& module) {
    const std::vector<std::string>& bundled = bundled_modules();
    return std::find(bundled.begin(), bundled.end(), module) != bundled.end();
}

// Behind a symbolic link `..` leads elsewhere than it reads.
std::filesystem::path whole_path(const std::filesystem::path& file) {
    std::error_code error;
    std::filesystem::path path = std::filesystem::absolute(file, error);
    const bool climbs = std::find(path.begin(), path.end(), "..") != path.end();
    return climbs ? path : path.lexically_normal();
}

// What is for all streams together is the program's in each of them: what a stream's file sets in the same
// sections (`global.top`) moves none of it.
template <typename Values>
void take_program_wide(const std::map<std::string, std::map<std::string, Values>>& program,
                       std::map<std::string, std::map<std::string, Values>>& stream) {
    for (const auto& [section, keys] : core_keys()) {
        for (const auto& [name, key] : keys) {
            if (!key.whole_program) {
                continue;
            }
            stream[section].erase(name);
            const auto found = program.find(section);
            if (found != program.end() && found->second.contains(name)) {
                stream[section][name] = found->second.at(name);
            }
        }
    }
}

bool said_by_a_bad_key(const Layers& layers, const Conflict& conflict) {
    return layers.is_bad(conflict.section, conflict.key) ||
           std::any_of(conflict.others.begin(), conflict.others.end(),
                       [&](const auto& other) { return layers.is_bad(other.first, other.second); });
}

}  // namespace

Loader::Loader(const std::filesystem::path& file, const std::vector<std::string>& environment,
               SchemaSource& schemas)
    : schemas_(schemas) {
    result_.file = whole_path(file);
    for (const std::string& entry : environment) {
        const auto equals = entry.find('=');
        if (equals != std::string::npos) {
            environment_.emplace(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    lookup_ = [this](const std::string& name) {
        const auto found = environment_.find(name);
        return found == environment_.end() ? nullptr : &found->second;
    };
    overrides_ = overrides_in(environment_);
}

Configuration Loader::load() {
    global_ = read_document(result_.file, "", result_.problems);
    if (global_.readable) {
        load_global();
        for (const StreamFile& file : stream_files(global_, result_)) {
            load_stream(file);
        }
        check_global_names();
        check_between_streams();
    }
    finish();
    return std::move(result_);
}

void Loader::set_program_defaults(Layers& layers) const {
    const std::filesystem::path directory = result_.file.parent_path();
    layers.set_default("global", "top", directory.string());
    layers.set_default("global", "config_dir", (directory / "streams.d").string());
}

void Loader::load_global() {
    const Sections sections = global_sections();
    Layers layers({sections, lookup_, global_, nullptr, ""}, result_.problems);
    set_program_defaults(layers);
    layers.fill(overrides_);
    result_.global = layers.finish();
    result_.global_origins = layers.origins();
    for (const Conflict& conflict : global_conflicts(result_.global)) {
        if (!said_by_a_bad_key(layers, conflict)) {
            layers.report(conflict.section, conflict.key, conflict.text);
        }
    }
    reported_globally_ = layers.reported_keys();
    check_secret_file(global_, sections, "", result_.problems);
    note_secrets(sections, layers);
}

void Loader::load_stream(const StreamFile& file) {
    LoadedStream& loaded = streams_.emplace_back();
    loaded.document = read_document(file.file, file.stem, result_.problems);
    loaded.stream.name = file.stem;
    loaded.stream.file = file.file;
    if (!loaded.document.readable) {
        return;
    }
    Sections sections = core_sections();
    const std::string plugin = plugin_of(loaded.document, file.stem);
    const std::string own_section = plugin_section(plugin);
    const bool has_module = !plugin.empty() && plugin != "none";
    if (has_module && module(plugin).known) {
        sections.emplace(own_section, &module(plugin).keys);
    }
    Layers layers({sections, lookup_, global_, &loaded.document, file.stem, &reported_globally_},
                  result_.problems);
    set_program_defaults(layers);
    layers.set_default("data_stream", "name", file.stem);
    layers.fill(overrides_);
    if (has_module && !module(plugin).known) {
        layers.report("outgoing", "plugin", module(plugin).error);
        if (!core_keys().contains(own_section)) {
            unknown_modules_.insert(own_section);
        }
    }
    check_stream_names(loaded.document, file.stem, plugin, sections);
    SettingsMap settings = layers.finish();
    take_program_wide(result_.global, settings);
    check_together(layers, settings, loaded.paths);
    note_secrets(sections, layers);
    loaded.stream.name = loaded.paths.name;
    loaded.stream.settings = std::move(settings);
    loaded.stream.origins = layers.origins();
    take_program_wide(result_.global_origins, loaded.stream.origins);
}

std::string Loader::plugin_of(const Document& document, const std::string& stem) {
    std::vector<Problem> ignored;
    const Sections sections = core_sections();
    Layers layers({sections, lookup_, global_, &document, stem}, ignored);
    set_program_defaults(layers);
    layers.set_default("data_stream", "name", stem);
    layers.fill(overrides_);
    const std::vector<std::string> values = layers.peek("outgoing", "plugin");
    return values.size() == 1 ? values.front() : "";
}

const Loader::Module& Loader::module(const std::string& plugin) {
    const auto [entry, is_new] = modules_.try_emplace(plugin);
    Module& found = entry->second;
    if (!is_new) {
        return found;
    }
    const std::string section = plugin_section(plugin);
    if (core_keys().contains(section)) {
        found.error = "`" + shown(plugin) + "` cannot be a module's name: it is that of a section";
        return found;
    }
    const SchemaSource::Answer answer = schemas_.schema(plugin, global_settings(result_.global).plugin_path);
    if (answer.schema) {
        found.known = true;
        found.keys = plugin_keys(*answer.schema);
        used_[section].insert(found.keys.begin(), found.keys.end());
        return found;
    }
    found.error = "names a module that cannot be used: " + answer.error +
                  (comes_with_the_program(plugin) ? "" : did_you_mean(plugin, bundled_modules()));
    return found;
}

void Loader::check_stream_names(const Document& document, const std::string& stem, const std::string& plugin,
                                const Sections& sections) {
    KnownSections known{sections, {}};
    const std::string own_section = plugin_section(plugin);
    if (unknown_modules_.contains(own_section)) {
        known.unchecked.push_back(own_section);
    } else if (plugin.empty()) {
        known.unchecked = bundled_modules();
    }
    check_names(document, known, stem, result_.problems);
    check_not_global(document, stem, result_.problems);
    check_secret_file(document, sections, stem, result_.problems);
    const auto own = sections.find(own_section);
    if (own != sections.end() && !core_keys().contains(own_section)) {
        check_secret_file(global_, {*own}, stem, result_.problems);
    }
}

void Loader::check_together(Layers& layers, const SettingsMap& settings, StreamPaths& paths) {
    const StreamSettings typed = with_resolved_paths(stream_settings(settings));
    std::vector<Conflict> found = conflicts(typed);
    if (std::optional<Conflict> elsewhere = quarantine_elsewhere(typed)) {
        found.push_back(std::move(*elsewhere));
    }
    for (const Conflict& conflict : found) {
        if (!said_by_a_bad_key(layers, conflict)) {
            layers.report(conflict.section, conflict.key, conflict.text);
        }
    }
    paths.name = typed.name;
    paths.directory = typed.directory;
    paths.deletion_enabled = typed.deletion_enabled;
    paths.mirrors = typed.outgoing.plugin != "none" && typed.outgoing.mode == TransferMode::mirror;
    paths.target = target_of(typed);
    if (typed.outgoing.plugin != "none" || typed.deletion_enabled) {
        paths.quarantine_dir = typed.outgoing.quarantine_dir;
    }
    if (typed.incoming.require_arrival_monitor) {
        paths.incoming_dir = typed.incoming.directory;
    }
}

void Loader::note_secrets(const Sections& sections, const Layers& layers) {
    std::set<std::pair<std::string, std::string>> names = layers.secret_keys();
    for (const auto& [section, keys] : sections) {
        for (const auto& [name, key] : *keys) {
            if (key.secret) {
                names.emplace(section, name);
            }
        }
    }
    for (const auto& [section, key] : names) {
        std::vector<std::string>& known = result_.secrets[section];
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            known.push_back(key);
        }
    }
}

// A section that no stream here uses may be for the module of one that cannot be read, or that was removed.
void Loader::ask_for_unused_modules() {
    std::vector<std::string> sections = names_of(global_.sections);
    for (const Override& override : overrides_) {
        sections.push_back(override.section);
    }
    for (const std::string& section : sections) {
        const bool is_met = core_keys().contains(section) || used_.contains(section) ||
                            unknown_modules_.contains(section) || comes_with_the_program(section);
        if (!is_met && usable_as_file_name(section)) {
            module(section);
        }
    }
}

void Loader::check_global_names() {
    ask_for_unused_modules();
    KnownSections known{core_sections(), {unknown_modules_.begin(), unknown_modules_.end()}};
    for (const auto& [section, keys] : used_) {
        known.sections[section] = &keys;
    }
    for (const std::string& name : bundled_modules()) {
        if (!known.sections.contains(name)) {
            known.unchecked.push_back(name);
        }
    }
    check_names(global_, known, "", result_.problems);
    check_overrides(overrides_, known, result_.file, result_.problems);
    Sections of_streams = known.sections;
    std::erase_if(of_streams, [](const auto& section) { return is_global_section(section.first); });
    check_raw_values(global_, of_streams, result_.problems);
}

// Either of two streams in conflict stays as it is, or stopped, until somebody says which is right. One that
// has no other fault does not wait for one that has, unless files are at stake: that one may still be running
// as it was, and what it has delivered is there.
void Loader::check_between_streams() {
    std::set<std::string> broken;
    for (const Problem& problem : result_.problems) {
        broken.insert(problem.stream);
    }
    std::vector<StreamPaths> paths;
    for (const LoadedStream& loaded : streams_) {
        paths.push_back(loaded.paths);
    }
    for (const StreamConflict& conflict : stream_conflicts(paths)) {
        const LoadedStream& blamed = streams_[conflict.stream];
        const std::string stem = blamed.stream.file.stem().string();
        const std::string other = streams_[conflict.other].stream.file.stem().string();
        if (!conflict.destroys && !broken.contains(stem) && broken.contains(other)) {
            continue;
        }
        const RawValue* value = blamed.document.find(conflict.section, conflict.key);
        const auto section = blamed.document.sections.find(conflict.section);
        const Position at = value != nullptr                            ? value->at
                            : section != blamed.document.sections.end() ? section->second.at
                                                                        : Position{1, 1};
        result_.problems.push_back({blamed.document.file, at.line, at.column, stem,
                                    "`" + conflict.section + '.' + conflict.key + "` " + conflict.text +
                                        " (" + streams_[conflict.other].stream.file.string() + ")"});
    }
}

void Loader::finish() {
    std::set<std::string> broken;
    for (const Problem& problem : result_.problems) {
        broken.insert(problem.stream);
    }
    for (LoadedStream& loaded : streams_) {
        const std::string stem = loaded.stream.file.stem().string();
        if (!broken.contains(stem)) {
            result_.streams.push_back(std::move(loaded.stream));
        } else if (!loaded.paths.name.empty()) {
            result_.broken_names.emplace(stem, loaded.paths.name);
        }
    }
    std::sort(result_.streams.begin(), result_.streams.end(),
              [](const Stream& a, const Stream& b) { return a.name < b.name; });
    const auto all_of = [](const Problem& p) { return std::tie(p.file, p.line, p.column, p.text, p.stream); };
    std::sort(result_.problems.begin(), result_.problems.end(),
              [&](const Problem& a, const Problem& b) { return all_of(a) < all_of(b); });
    const auto last = std::unique(result_.problems.begin(), result_.problems.end(),
                                  [&](const Problem& a, const Problem& b) { return all_of(a) == all_of(b); });
    result_.problems.erase(last, result_.problems.end());
}

}  // namespace mistamover::config
