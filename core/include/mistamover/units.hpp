// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mistamover {

/// An amount of data, in bytes.
struct ByteCount {
    std::uint64_t bytes = 0;
    auto operator<=>(const ByteCount&) const = default;
};

inline constexpr ByteCount kilobyte{1000};
inline constexpr ByteCount megabyte{1'000'000};

/// Reads "500ms", "3s", "10min", "2h", "1.5d" or a bare number, which counts `bare_unit`s. Nothing where the
/// text is not a duration, is negative or more than 100 years ("36500d"), so that clocks can count it.
std::optional<std::chrono::milliseconds> parse_duration(
    std::string_view text, std::chrono::milliseconds bare_unit = std::chrono::seconds{1});

/// Reads "50MB", "2GiB", "4k", "10B" or a bare number, which counts `bare_unit`s. Decimal prefixes are powers
/// of 1000, binary ones (Ki, Mi, Gi, Ti) powers of 1024. Nothing where the text is not a size, or more than
/// 9000000TB.
std::optional<ByteCount> parse_size(std::string_view text, ByteCount bare_unit = ByteCount{1});

/// "1500ms", "3s", "10min": reads back to the same value.
std::string format_duration(std::chrono::milliseconds duration);
/// "1.5MB", "17B": for people, three significant digits.
std::string format_size(ByteCount size);

}  // namespace mistamover
