// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mistamover::files {

inline constexpr std::size_t longest_name = 255;        ///< That a directory can hold.
inline constexpr std::string_view zip_ending = ".zip";  ///< Of the data file that a directory is sent as.

/// `.NAMEENDING`: what a file of the arrivals protocol's handshake is called that tells of the data file
/// NAME. That part is cut, and made unique again by a hash of the whole, where the result would be too long.
/// The same in every process and version. Pure.
std::string handshake_name(std::string_view data_name, std::string_view ending);

}  // namespace mistamover::files
