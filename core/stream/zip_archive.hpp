// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "stream/manifest.hpp"

namespace mistamover::stream {

/// Writes everything in the manifest, whose paths are relative to `directory_fd`, into a new zip file, and
/// reads the file's own directory back to see that every entry is there in full. Follows no link. Returns
/// what the zip file is. Throws StatusError of item scope where something cannot be read or put into a zip
/// file, or the file cannot be written; the unfinished file is then removed.
Identity write_zip(int directory_fd, const Manifest& manifest, const std::filesystem::path& zip_file);

}  // namespace mistamover::stream
