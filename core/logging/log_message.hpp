// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// What travels through the log socket. Both ends are the same executable, so integers are in host order.
///
///     message = version record+       at most max_message bytes
///     record  = level name-length text-length time name text
///
/// with version, level and name-length of 1 byte, text-length of 4 and time, milliseconds since 1970, of 8.
/// "boom" at ERROR for dtc_a.log is 01 | 03 05 04000000 <8 bytes> "dtc_a" "boom", 24 bytes in all.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

namespace mistamover::logging {

inline constexpr std::size_t max_message = std::size_t{60} * 1024;
/// What is kept of one record's text; see append_record.
inline constexpr std::size_t max_text = std::size_t{32} * 1024;

/// Where the controller writes, and the log server itself.
inline constexpr std::string_view controller_log = "mistamover_ctl";

struct Record {
    std::string_view log_name;
    LogLevel level = LogLevel::info;
    std::int64_t time_ms = 0;  ///< Since 1970, taken by the sender.
    std::string_view text;
};

/// Adds a record to a message; the first one makes the message of an empty string. Text beyond max_text bytes
/// is cut, between two UTF-8 characters, and " [cut: N bytes more]" put in its place; of a log name 255 bytes
/// are kept.
void append_record(std::string& message, const Record& record);
/// No less than what append_record will add.
std::size_t record_size_limit(std::string_view log_name, std::string_view text) noexcept;

struct Decoded {
    std::vector<Record> records;  ///< Views into the message, up to where it is malformed.
    bool malformed = false;
};
Decoded decode_message(std::string_view message);

}  // namespace mistamover::logging
