// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <span>
#include <string_view>

#include "plugin_host/plugin.hpp"

namespace mistamover::plugin_host {
namespace {

std::string version_text(unsigned major, unsigned minor) {
    return std::to_string(major) + "." + std::to_string(minor);
}

const AbiField* find_field(std::span<const AbiField> fields, std::string_view name) {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const AbiField& field) {
        return field.name != nullptr && field.name == name;
    });
    return found == fields.end() ? nullptr : &*found;
}

void add_difference(std::string& text, std::string_view name, const std::string& plugin,
                    const std::string& core) {
    text += text.empty() ? "" : "; ";
    text += name;
    text += ": plugin " + plugin + ", core " + core;
}

std::string abi_differences(std::span<const AbiField> plugin, std::span<const AbiField> core) {
    std::string text;
    for (const AbiField& ours : core) {
        const AbiField* theirs = find_field(plugin, ours.name);
        if (theirs == nullptr || theirs->value != ours.value) {
            add_difference(text, ours.name,
                           theirs == nullptr ? "does not say" : std::to_string(theirs->value),
                           std::to_string(ours.value));
        }
    }
    for (const AbiField& theirs : plugin) {
        if (theirs.name != nullptr && find_field(core, theirs.name) == nullptr) {
            add_difference(text, theirs.name, std::to_string(theirs.value), "does not know it");
        }
    }
    return text;
}

std::string version_refusal(const PluginDescriptor& descriptor) {
    const std::string built_for =
        "it was built for version " + version_text(descriptor.sdk_major, descriptor.sdk_minor) +
        " of the plugin SDK, this program has " + version_text(sdk_major, sdk_minor);
    if (descriptor.sdk_major != sdk_major) {
        return built_for + ": build it again with this program's SDK";
    }
    if (descriptor.sdk_minor > sdk_minor) {
        return built_for + ": use a newer MiStaMover, or build the plugin with this program's SDK";
    }
    return {};
}

std::string contents_refusal(const PluginDescriptor& descriptor) {
    if (descriptor.name == nullptr || *descriptor.name == '\0' || descriptor.version == nullptr ||
        descriptor.summary == nullptr || descriptor.create == nullptr) {
        return "its descriptor lacks a name, a version, a summary or a factory";
    }
    if (descriptor.option_count != 0 && descriptor.options == nullptr) {
        return "its descriptor announces options but has none";
    }
    for (const OptionSpec& option : std::span(descriptor.options, descriptor.option_count)) {
        if (option.name == nullptr || *option.name == '\0' || option.help == nullptr) {
            return "an option of its schema has no name or no help text";
        }
        if (option.type > OptionType::string) {
            return "its option " + std::string(option.name) + " has a type that does not exist";
        }
        if (option.type == OptionType::enumeration && option.choices == nullptr) {
            return "its option " + std::string(option.name) + " is an enumeration without choices";
        }
    }
    return {};
}

}  // namespace

// Magic, size and version lie at the same place in every version of the descriptor; nothing behind them may
// be looked at before they are known to be good.
std::string refusal(const PluginDescriptor& descriptor) {
    if (descriptor.magic != plugin_magic) {
        return "not a MiStaMover plugin: its descriptor does not begin with the magic number";
    }
    if (std::string text = version_refusal(descriptor); !text.empty()) {
        return text;
    }
    if (descriptor.size != sizeof(PluginDescriptor)) {
        return "its descriptor has " + std::to_string(descriptor.size) + " bytes, expected are " +
               std::to_string(sizeof(PluginDescriptor));
    }
    if (descriptor.abi_fields == nullptr) {
        return "its descriptor has no ABI fingerprint";
    }
    if (std::string text = abi_differences({descriptor.abi_fields, descriptor.abi_field_count}, abi_fields);
        !text.empty()) {
        return "it was built in another way than this program (" + text +
               "): build it again with this program's SDK and the same compiler options";
    }
    return contents_refusal(descriptor);
}

}  // namespace mistamover::plugin_host
