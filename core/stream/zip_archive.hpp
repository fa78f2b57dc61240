// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "stream/manifest.hpp"

namespace mistamover::stream {

/// What a zip file of it may take, whatever is in it: its contents need not be compressible. Pure.
std::uint64_t most_zip_bytes(const Manifest& manifest);

/// How much room the disk that a directory lies on has; as much as there can be where it does not tell.
using DiskSpace = std::function<std::filesystem::space_info(const std::filesystem::path& directory)>;
std::filesystem::space_info space_on_disk(const std::filesystem::path& directory);

/// What a zip file that may turn out too large leaves free on a disk of so many bytes, so that whoever else
/// writes there can go on: a hundredth; but enough on a small disk for what several zip files that are
/// written at once take between two questions, and no more on a large one than a host needs for a while.
/// Pure.
std::uint64_t zip_reserve(std::uint64_t disk_bytes);

/// What is known of the room for zip files.
struct ZipRoom {
    DiskSpace disk = space_on_disk;
    std::uint64_t kept_free = 0;  ///< Bytes that others need, for instance to delete nothing.
};

/// Writes everything in the manifest, whose paths are relative to `directory_fd`, into a new zip file, and
/// reads the file's own directory back to see that every entry is there in full. Follows no link. Returns
/// what the zip file is. How far its contents can be compressed shows only while it is written: unless it
/// fits whatever is in it, it is given up once no more than zip_reserve(), or `kept_free`, is free. Throws
/// StatusError, of item scope, where something cannot be read or put into a zip file (one name with a
/// backslash, or not in UTF-8, is enough), or the file cannot be written: `no_space`, with the numbers, where
/// there is no room for it; `source_changed` where the manifest's first entry, with all that is in it, is no
/// longer what the manifest says; `cancelled` once that, which is asked all the time, says so. The unfinished
/// file is then removed.
Identity write_zip(int directory_fd, const Manifest& manifest, const std::filesystem::path& zip_file,
                   const std::function<bool()>& cancelled, const ZipRoom& room);

}  // namespace mistamover::stream
