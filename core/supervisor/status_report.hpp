// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <string>

#include "supervisor/child.hpp"

namespace mistamover::supervisor {

/// The answer to `status`, as one JSON object in a line. Times are Unix seconds, sizes bytes, rates bytes a
/// second.
std::string status_json(const std::map<std::string, std::unique_ptr<StreamChild>>& children,
                        const std::vector<config::Problem>& problems, std::int64_t started);

}  // namespace mistamover::supervisor
