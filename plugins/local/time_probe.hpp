// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "local/temp_directory.hpp"

namespace mistamover::local {

/// How exactly the file system of an open directory keeps modification times, in nanoseconds, as far as its
/// kind tells: what it keeps of a file's time differs from the source's by less than this.
std::int64_t known_mtime_precision_ns(int directory);

/// The same as found out with a file that is given a time; nothing where the target keeps none, and 1 where
/// that cannot be tried out. Leaves `temp`.
std::optional<std::int64_t> tried_mtime_precision_ns(TempDirectory& temp);

}  // namespace mistamover::local
