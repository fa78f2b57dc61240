// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <mistamover/border.hpp>

namespace mistamover::stream {

struct TargetEntry {
    std::string path;  ///< Relative to target_dir.
    EntryInfo info;
};

/// Adds everything below `path` ("" is target_dir), directories before what is in them, following no link.
/// Entries for which `wanted` is false are left out, with all that is in them. not_found where `path` is not
/// there.
Status list_tree(border::Session& session, const std::string& path,
                 const std::function<bool(const std::string&)>& wanted, std::vector<TargetEntry>& entries);

/// Removes the directory and everything in it, but for what is `spared` with all that is in it; ok where it
/// is not there. What is spared must lie in the directory itself.
Status remove_tree(border::Session& session, const std::string& path,
                   const std::function<bool(const std::string&)>& spared = nullptr);

/// Removes each path, in this order; the first failure, or ok.
Status remove_all(border::Session& session, const std::vector<std::string>& paths);

}  // namespace mistamover::stream
