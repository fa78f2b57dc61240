// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "config/combinations.hpp"
#include "config/settings.hpp"

namespace mistamover::config {

/// The settings with every path of this host as what it leads to, as far as that exists: two names of one
/// directory are one directory.
StreamSettings with_resolved_paths(StreamSettings stream);

/// Where the quarantine lies on another file system than the units that are to be renamed into it. Of what
/// does not exist yet, the nearest directory above it tells where it will be.
std::optional<Conflict> quarantine_elsewhere(const StreamSettings& stream);

}  // namespace mistamover::config
