// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/child.hpp"
#include "supervisor/disk_space_monitors.hpp"

namespace mistamover::supervisor {

/// The answer to `status`, as one JSON object in a line. Times are Unix seconds, sizes bytes, rates bytes a
/// second.
std::string status_json(const Children& transfers, const Children& monitors, const SpaceChildren& disk_space,
                        const std::vector<config::Problem>& problems, std::int64_t started);

}  // namespace mistamover::supervisor
