// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "config/load.hpp"

namespace mistamover::supervisor {

/// Leaves of a configuration the streams with these names alone, all where there are none; a name that no
/// stream has is a problem. Pure.
config::Configuration selected(config::Configuration configuration, const std::vector<std::string>& names);

/// Has everything log at DEBUG. Pure.
config::Configuration with_debug(config::Configuration configuration);

}  // namespace mistamover::supervisor
