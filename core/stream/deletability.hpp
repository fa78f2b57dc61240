// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "stream/manifest.hpp"

namespace mistamover::stream {

/// Why the unit that lies in the directory could not be removed from there, as an errno; 0 where nothing
/// tells against it.
int refuses_removal(int directory_fd, const Manifest& manifest);

/// Why nothing at all could be, likewise.
int refuses_removals(int directory_fd);

/// Why what is in the unit could not be, likewise, once the unit itself could be moved.
int refuses_deletion(int directory_fd, const Manifest& manifest);

}  // namespace mistamover::stream
