// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace mistamover::supervisor {

/// What a new configuration asks of the streams that are there.
struct ReloadDifference {
    std::vector<config::Stream> added;
    std::vector<config::Stream> changed;  ///< With their new settings.
    std::vector<config::Stream> moved;    ///< With the settings that are in force, in another file.
    std::vector<std::string> removed;     ///< By name.
};

/// A stream that is there: the settings that are in force, or will be once its process has been replaced, and
/// whether it is about to go since an earlier configuration did without it.
struct StreamInForce {
    const config::Stream& stream;
    bool leaving = false;
};

/// A stream whose file is there but does not check out is in none of the lists: its old settings stay in
/// force. A stream that is not `wanted` is as good as none. `fresh` is usable(). Pure.
ReloadDifference reload_difference(const std::map<std::string, StreamInForce>& streams,
                                   const config::Configuration& fresh,
                                   bool (*wanted)(const config::Stream& stream));

/// The streams that are in force after it: those of the new configuration, and, of those before, the ones
/// whose file does not check out now. Pure.
std::vector<config::Stream> streams_in_force(std::vector<config::Stream> before,
                                             const config::Configuration& fresh);

}  // namespace mistamover::supervisor
