// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace mistamover::arrivals {

/// A checksum on the wire: the bare digest for md5, as the Python tool writes it, else "ALGORITHM:DIGEST".
/// Pure, both.
std::string checksum_on_wire(std::string_view algorithm, std::string_view digest);
/// "md5", "sha256" or "blake2b512"; md5 too for what is none of them, which then equals no md5.
std::string_view algorithm_of(std::string_view checksum_on_wire) noexcept;

}  // namespace mistamover::arrivals
