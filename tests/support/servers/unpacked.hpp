// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace mistamover::test {

/// A file of the packages that tools/test unpacks ("usr/sbin/proftpd"); throws, saying what to do, where it
/// is not there.
std::filesystem::path unpacked(const std::filesystem::path& file);

}  // namespace mistamover::test
