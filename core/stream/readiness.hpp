// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "config/settings.hpp"
#include "stream/manifest.hpp"
#include "stream/settling.hpp"

namespace mistamover::stream {

/// How much longer something must stay as it is before it counts as complete (SPEC section 4); 0 or less: it
/// does. By the clocks alone: `newest_change_ns` is the latest ctime of all that is in it, `now` the time of
/// the wall clock, as the ctime is. Pure.
std::chrono::milliseconds settle_time_left(const config::OutgoingSettings& settings, EntryKind kind,
                                           Writers writers, std::int64_t newest_change_ns,
                                           std::chrono::system_clock::time_point now);

/// The same for unit `name`, by the clocks only where the ctime is by this host's own: elsewhere, and where
/// that has been set, forward or back, since the unit changed, by how long it was seen to stay as it is.
std::chrono::milliseconds settle_time_left(const config::OutgoingSettings& settings, const std::string& name,
                                           const Look& look, std::chrono::system_clock::time_point now,
                                           Settling& settling);

/// The same for one file of a unit, whatever becomes of the others: entry `index` of the look, known to
/// `settling` by its path.
std::chrono::milliseconds settle_time_left_of_entry(const config::OutgoingSettings& settings,
                                                    const Look& look, std::size_t index,
                                                    std::chrono::system_clock::time_point now,
                                                    Settling& settling);

}  // namespace mistamover::stream
