// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace mistamover::files {

/// Who has made a `.stop` file. The disk space monitor's is known by its one line,
/// `disk_space_monitor LABEL SECONDS`, together with a modification time of that very second: whoever writes
/// or touches it makes it his own.
enum class StopAuthor : std::uint8_t { none, disk_space_monitor, somebody_else };

/// None: there is no such file. Follows no link; what cannot be looked at is somebody else's.
StopAuthor stop_author(int directory_fd, const std::string& path);

/// What the disk space monitor's file says.
std::string disk_space_stop_text(const std::string& label, std::int64_t second);

}  // namespace mistamover::files
