// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

#include "plugin_host/plugin.hpp"

namespace mistamover::plugin_host {

inline std::filesystem::path test_plugin(const std::string& name) {
    return std::filesystem::path(TEST_PLUGIN_DIRECTORY) / ("libmistamover-" + name + ".so");
}

/// The text of the PluginRefused that `call` throws; empty where it throws none.
template <typename Call>
std::string refusal_of(Call&& call) {
    try {
        call();
    } catch (const PluginRefused& refused) {
        return refused.what();
    }
    return {};
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace mistamover::plugin_host
