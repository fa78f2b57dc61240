// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "logging/log_message.hpp"

namespace mistamover::logging {

/// "DEBUG", "INFO", "WARNING", "ERROR" or "CRITICAL".
std::string_view level_name(LogLevel level) noexcept;

/// Adds `text` so that it is printable, valid UTF-8 without a line break, and tells exactly what it was: a
/// backslash becomes `\\`; newline, carriage return and tab `\n`, `\r`, `\t`; every other control byte, and
/// every byte that is not part of a valid UTF-8 character or is part of a C1 control character, `\xNN`.
void append_escaped_text(std::string& out, std::string_view text);

/// Adds `text` as a quoted JSON string. What JSON cannot hold, bytes that are not valid UTF-8, reads back as
/// the four characters `\xNN`, as do those of C1 control characters.
void append_json_string(std::string& out, std::string_view text);

/// Makes one line of one record:
///
///     [2026-03-01 14:05:09] WARNING text                     local time
///     {"time":"2026-03-01T13:05:09.250Z","level":"WARNING","log":"dtc_proj1","text":"..."}
class LineFormatter {
  public:
    explicit LineFormatter(bool json) noexcept : json_(json) {}
    /// Adds the line, with its newline.
    void append_line(std::string& out, const Record& record);

  private:
    void append_time(std::string& out, std::int64_t seconds);

    bool json_;
    /// Most records share their second with the one before.
    std::time_t formatted_second_ = -1;
    std::string formatted_;
};

}  // namespace mistamover::logging
