// SPDX-License-Identifier: BSD-3-Clause
#include "config/names.hpp"

#include <algorithm>

#include "config/nearest_name.hpp"

namespace mistamover::config {
namespace {

void add(std::vector<Problem>& problems, const Document& document, Position at, const std::string& stream,
         std::string text) {
    problems.push_back({document.file, at.line, at.column, stream, std::move(text)});
}

std::vector<std::string> section_names(const KnownSections& known) {
    std::vector<std::string> names = names_of(known.sections);
    names.insert(names.end(), known.unchecked.begin(), known.unchecked.end());
    return names;
}

bool is_unchecked(const KnownSections& known, const std::string& section) {
    return std::find(known.unchecked.begin(), known.unchecked.end(), section) != known.unchecked.end();
}

// The right key in the wrong section is a likelier mistake than a key of a similar name.
std::string key_advice(const KnownSections& known, const std::string& section, const std::string& key) {
    if (section == "outgoing" && key == "transfer_protocol") {
        return "; its name is `plugin` now";
    }
    std::string elsewhere;
    for (const auto& [other, keys] : known.sections) {
        if (keys->contains(key)) {
            elsewhere = elsewhere.empty() ? "; did you mean `" + other + '.' + key + "`?" : " ";
        }
    }
    if (elsewhere.size() > 1) {
        return elsewhere;
    }
    return did_you_mean(key, names_of(*known.sections.at(section)));
}

std::string section_advice(const KnownSections& known, const std::string& section) {
    const std::vector<std::string>& bundled = bundled_modules();
    if (std::find(bundled.begin(), bundled.end(), section) != bundled.end()) {
        return "; this stream's `outgoing.plugin` is another";
    }
    return did_you_mean(section, section_names(known));
}

// Not quoted where it has no value: in `{password: ab,cd}`, and in `{password:ab}`, it is, or holds, a part
// of the secret.
std::string unknown_key(const KnownSections& known, const std::string& section, const std::string& key,
                        const RawValue& value) {
    if (value.values.empty() && !value.is_list) {
        return "there is no key of this name in section `" + section +
               "`, and it has no value: if it belongs to the value before it, put that in quotes";
    }
    return "unknown key `" + shown(section + '.' + key) + "`" + key_advice(known, section, key);
}

}  // namespace

void check_names(const Document& document, const KnownSections& known, const std::string& stream,
                 std::vector<Problem>& problems) {
    for (const auto& [section, body] : document.sections) {
        if (is_unchecked(known, section)) {
            continue;
        }
        const auto found = known.sections.find(section);
        if (found == known.sections.end()) {
            add(problems, document, body.at, stream,
                "unknown section `" + shown(section) + "`" + section_advice(known, section));
            continue;
        }
        for (const auto& [key, value] : body.keys) {
            if (!found->second->contains(key)) {
                add(problems, document, value.key_at, stream, unknown_key(known, section, key, value));
            }
        }
    }
}

void check_not_global(const Document& document, const std::string& stream, std::vector<Problem>& problems) {
    for (const auto& [section, keys] : core_keys()) {
        for (const auto& [name, key] : keys) {
            const RawValue* value = document.find(section, name);
            if (value != nullptr && key.whole_program) {
                add(problems, document, value->key_at, stream,
                    "`" + section + '.' + name + "` is for all streams together: set it in the global file");
            }
        }
    }
}

void check_overrides(const std::vector<Override>& overrides, const KnownSections& known,
                     const std::filesystem::path& file, std::vector<Problem>& problems) {
    const Document nowhere{file, {}, true, false};
    for (const Override& override : overrides) {
        const std::string what = "the environment variable `" + shown(override.variable) + "` ";
        if (override.section.empty()) {
            add(problems, nowhere, {}, "", what + "must be named MISTAMOVER__section__key");
            continue;
        }
        if (is_unchecked(known, override.section)) {
            continue;
        }
        const auto section = known.sections.find(override.section);
        if (section == known.sections.end()) {
            add(problems, nowhere, {}, "",
                what + "overrides nothing: unknown section `" + shown(override.section) + "`" +
                    did_you_mean(override.section, section_names(known)));
        } else if (!section->second->contains(override.key)) {
            add(problems, nowhere, {}, "",
                what + "overrides nothing: unknown key `" + shown(override.key) + "`" +
                    key_advice(known, override.section, override.key));
        } else if (override.text.empty()) {
            add(problems, nowhere, {}, "",
                what + "is empty, which can mean many things: unset it, or give it a value");
        } else if (!values_of(override, section->second->at(override.key))) {
            add(problems, nowhere, {}, "",
                what +
                    "is in brackets, but no list as YAML has it: put each value in quotes, as in ['*.a', b]");
        }
    }
}

void check_secret_file(const Document& document, const Sections& sections, const std::string& stream,
                       std::vector<Problem>& problems) {
    if (!document.open_to_others) {
        return;
    }
    for (const auto& [section, keys] : sections) {
        for (const auto& [name, key] : *keys) {
            const RawValue* value = key.secret ? document.find(section, name) : nullptr;
            if (value != nullptr && !value->values.empty()) {
                add(problems, document, value->key_at, stream,
                    "`" + section + '.' + name +
                        "` is secret, but others than its owner may use the file: chmod 600 " +
                        document.file.string());
                return;
            }
        }
    }
}

void check_raw_values(const Document& document, const Sections& sections, std::vector<Problem>& problems) {
    for (const auto& [section, keys] : sections) {
        for (const auto& [name, key] : *keys) {
            const RawValue* value = document.find(section, name);
            if (const auto problem = value == nullptr ? std::nullopt : raw_problem(key, *value)) {
                add(problems, document, problem->first, "",
                    "`" + section + '.' + name + "` " + problem->second);
            }
        }
    }
}

}  // namespace mistamover::config
