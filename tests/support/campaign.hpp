// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdlib>
#include <string_view>

namespace mistamover::test {

/// The whole of a campaign with MISTAMOVER_CAMPAIGN=full in the environment, a short form otherwise.
inline bool is_full_campaign() {
    const char* wanted = std::getenv("MISTAMOVER_CAMPAIGN");  // NOLINT(concurrency-mt-unsafe)
    return wanted != nullptr && std::string_view(wanted) == "full";
}

}  // namespace mistamover::test
