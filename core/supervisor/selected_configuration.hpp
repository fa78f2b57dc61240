// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "config/load.hpp"

namespace mistamover::supervisor {

/// Leaves of a configuration the streams with these names alone, and the problems that concern them or
/// everything; all where there are no names. A name that no stream has is a problem, and one that keeps the
/// others from running: who asks for several wants them all. Pure.
config::Configuration selected(config::Configuration configuration, const std::vector<std::string>& names);

/// Has everything log at DEBUG. Pure.
config::Configuration with_debug(config::Configuration configuration);

}  // namespace mistamover::supervisor
