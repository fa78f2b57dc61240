// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mistamover::config {

/// The candidate that `name` was most likely meant to be; empty where none is near. Pure.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// "; did you mean `NAME`?", or nothing where none is near. Pure.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace mistamover::config
