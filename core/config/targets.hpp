// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace mistamover::config {

/// In StreamTarget: the paths of this host.
inline constexpr const char* local_paths = "local";

/// Where a stream delivers, and what it does there.
struct StreamTarget {
    /// Whose paths `directory` is one of; those of different ones cannot be compared. Empty: the stream
    /// delivers nothing.
    std::string paths_of;
    std::string host;                 ///< In lower case.
    std::string port;                 ///< Empty where it is not set.
    std::string username;             ///< Of whom the paths may depend; empty where it is not set.
    std::filesystem::path directory;  ///< Normalised; `~/` is put before what begins where the user logs in.
    bool has_own_ways =
        false;             ///< Of a module that does not come with the program, whose options may tell more.
    bool deletes = false;  ///< A mirror: what its source does not have goes.
    std::vector<std::string> include;  ///< Of the names of the entries that it is about.
    std::vector<std::string> exclude;
};

/// Whether the stream's module delivers to this host's own file systems. Pure.
bool target_is_local(const StreamSettings& stream);

/// Pure: looks at no file, so pass paths without symbolic links.
StreamTarget target_of(const StreamSettings& stream);

/// Whether one path may mean the same place to both, as far as can be told from what is configured: two ports
/// tell them apart, and so do two names where the path begins at the login, but not what is set for one
/// alone. Of two mirrors only what certainly is one place counts: accounts may have roots of their own, and
/// modules that do not come with the program their own ways. Pure.
bool may_share_paths(const StreamTarget& a, const StreamTarget& b);

/// Whether both delete in one directory, but not what is the other's, as far as their globs say in so many
/// words: whatever the one includes the other excludes. Pure.
bool share_by_globs(const StreamTarget& a, const StreamTarget& b);

/// Whether `path` is the target directory, or lies in an entry of it that the stream may replace or delete:
/// not in a dot-file's, nor in one that is excluded. Pure.
bool may_change(const StreamTarget& target, const std::filesystem::path& path);

}  // namespace mistamover::config
