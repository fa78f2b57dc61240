// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "stream/manifest.hpp"

namespace mistamover::stream {

/// What a zip file of it may take, whatever is in it: its contents need not be compressible. Pure.
std::uint64_t most_zip_bytes(const Manifest& manifest);

/// ok where the file system of the directory has room for such a zip file, or does not tell. Else no_space,
/// of item scope, with the numbers.
Status check_zip_room(int directory_fd, const Manifest& manifest);

/// Writes everything in the manifest, whose paths are relative to `directory_fd`, into a new zip file, and
/// reads the file's own directory back to see that every entry is there in full. Follows no link. Returns
/// what the zip file is. Throws StatusError, of item scope, where something cannot be read or put into a zip
/// file (one name with a backslash, or not in UTF-8, is enough), or the file cannot be written: `no_space`
/// where the disk is full; `source_changed` where the manifest's first entry, with all that is in it, is no
/// longer what the manifest says; `cancelled` once that, which is asked all the time, says so. The unfinished
/// file is then removed.
Identity write_zip(int directory_fd, const Manifest& manifest, const std::filesystem::path& zip_file,
                   const std::function<bool()>& cancelled);

}  // namespace mistamover::stream
