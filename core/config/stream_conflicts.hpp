// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "config/targets.hpp"

namespace mistamover::config {

/// What each of several streams must have for itself.
struct StreamPaths {
    std::string name;
    std::filesystem::path directory;
    std::filesystem::path quarantine_dir;  ///< Empty where the stream does not use it.
    std::filesystem::path incoming_dir;    ///< Empty where the stream has no arrivals monitor.
    bool deletion_enabled = false;         ///< Units in the latter two may be deleted when a disk fills.
    bool mirrors = false;                  ///< Takes nothing from its directory.
    StreamTarget target;
};

/// Two streams that get in each other's way; reported at either, so that neither runs before it is settled.
struct StreamConflict {
    std::size_t stream = 0;  ///< Index of the one at which this is reported.
    std::size_t other = 0;
    std::string section;
    std::string key;
    std::string text;
    bool destroys = false;  ///< Of the two running, one would delete what is the other's.
};

/// Pure: looks at no file, so pass paths without symbolic links.
std::vector<StreamConflict> stream_conflicts(const std::vector<StreamPaths>& streams);

}  // namespace mistamover::config
