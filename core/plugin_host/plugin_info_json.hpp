// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <mistamover/plugin.hpp>

#include "plugin_host/schema_query.hpp"

namespace mistamover::plugin_host {

/// The answer of the child that was asked for a plugin's information: one JSON object. Pure.
std::string info_to_json(const PluginDescriptor& descriptor);
std::string refusal_to_json(const std::string& reason);

/// Reads an answer. Throws PluginRefused with the child's words where it is a refusal, std::runtime_error
/// where the text is not a whole answer. `library` of the result is empty. Pure.
PluginInfo info_from_json(const std::string& text);

}  // namespace mistamover::plugin_host
