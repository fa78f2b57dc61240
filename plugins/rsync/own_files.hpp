// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <string>

/// The module's own files and directories in the stream's work directory. What fails there is neither a
/// unit's fault nor the target's: all throw StatusError of session scope.
namespace mistamover::rsync {

/// Replaces what is there. Readable by this user only.
void write_own_file(const std::string& path, const std::string& content);
/// Nothing where no regular file is there.
std::optional<std::string> read_own_file(const std::filesystem::path& path);
/// It may be there already.
void make_own_directory(const std::string& path);
/// Removes what is there first.
void make_empty_directory(const std::filesystem::path& path);

}  // namespace mistamover::rsync
