// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

#include "config/settings.hpp"
#include "stream/manifest.hpp"

namespace mistamover::stream {

/// How much longer something must stay as it is before it counts as complete (SPEC section 4); 0 or less: it
/// does. `newest_change_ns`: the latest ctime of all that is in it. `now` is the time of the wall clock, as
/// the ctime is. Pure.
std::chrono::milliseconds settle_time_left(const config::OutgoingSettings& settings, EntryKind kind,
                                           Writers writers, std::int64_t newest_change_ns,
                                           std::chrono::system_clock::time_point now);

}  // namespace mistamover::stream
