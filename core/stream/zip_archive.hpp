// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "stream/manifest.hpp"

namespace mistamover::stream {

/// Writes everything in the manifest, whose paths are relative to `directory_fd`, into a new zip file, and
/// reads the file's own directory back to see that every entry is there in full. Follows no link. Returns
/// what the zip file is. Throws StatusError where something cannot be read or put into a zip file (one name
/// with a backslash, or not in UTF-8, is enough), or the file cannot be written: of item scope, but of
/// session scope where the disk is full; `source_changed` where the manifest's first entry, with all that is
/// in it, is no longer what the manifest says. The unfinished file is then removed.
Identity write_zip(int directory_fd, const Manifest& manifest, const std::filesystem::path& zip_file);

}  // namespace mistamover::stream
