// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_format.hpp"

#include <array>
#include <cstddef>

namespace mistamover::logging {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_continuation(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// The length of the printable character, other than ASCII, that starts here; 0 where none does.
std::size_t character_length(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0xC2 || first > 0xF4 || !is_continuation(text, at + 1)) {
        return 0;
    }
    const auto second = static_cast<unsigned char>(text[at + 1]);
    if (first < 0xE0) {
        const bool c1_control = first == 0xC2 && second < 0xA0;
        return c1_control ? 0 : 2;
    }
    if (!is_continuation(text, at + 2)) {
        return 0;
    }
    if (first < 0xF0) {
        const bool overlong = first == 0xE0 && second < 0xA0;
        const bool surrogate = first == 0xED && second >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool beyond_unicode = first == 0xF4 && second >= 0x90;
    return overlong || beyond_unicode || !is_continuation(text, at + 3) ? 0 : 4;
}

void append_hex(std::string& out, std::string_view prefix, unsigned char byte) {
    out.append(prefix);
    out.push_back(hex_digits[byte >> 4U]);
    out.push_back(hex_digits[byte & 0xFU]);
}

void append_escaped_byte(std::string& out, unsigned char byte, bool json) {
    switch (byte) {
        case '\n':
            out.append("\\n");
            return;
        case '\r':
            out.append("\\r");
            return;
        case '\t':
            out.append("\\t");
            return;
        case '\\':
            out.append("\\\\");
            return;
        case '"':
            out.append("\\\"");
            return;
        default:
            break;
    }
    if (!json) {
        append_hex(out, "\\x", byte);
    } else if (byte < 0x80) {
        append_hex(out, "\\u00", byte);
    } else {
        append_hex(out, "\\\\x", byte);
    }
}

void append_escaped(std::string& out, std::string_view text, bool json) {
    std::size_t plain = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x20 && byte < 0x7F && byte != '\\' && (byte != '"' || !json)) {
            ++at;
            continue;
        }
        if (const std::size_t length = character_length(text, at); length > 0) {
            at += length;
            continue;
        }
        out.append(text, plain, at - plain);
        append_escaped_byte(out, byte, json);
        plain = ++at;
    }
    out.append(text, plain);
}

}  // namespace

std::string_view level_name(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return "DEBUG";
        case LogLevel::info:
            return "INFO";
        case LogLevel::warning:
            return "WARNING";
        case LogLevel::error:
            return "ERROR";
        case LogLevel::critical:
            break;
    }
    return "CRITICAL";
}

void append_escaped_text(std::string& out, std::string_view text) {
    append_escaped(out, text, false);
}

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    append_escaped(out, text, true);
    out.push_back('"');
}

void LineFormatter::append_time(std::string& out, std::int64_t seconds) {
    const auto second = static_cast<std::time_t>(seconds);
    if (formatted_.empty() || second != formatted_second_) {
        std::tm parts{};
        const bool valid = (json_ ? ::gmtime_r(&second, &parts) : ::localtime_r(&second, &parts)) != nullptr;
        std::array<char, 64> text{};
        const char* const format = json_ ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S";
        const std::size_t length = valid ? std::strftime(text.data(), text.size(), format, &parts) : 0;
        formatted_.assign(length > 0 ? std::string_view(text.data(), length) : "unknown time");
        formatted_second_ = second;
    }
    out.append(formatted_);
}

void LineFormatter::append_line(std::string& out, const Record& record) {
    std::int64_t seconds = record.time_ms / 1000;
    std::int64_t milliseconds = record.time_ms % 1000;
    if (milliseconds < 0) {
        milliseconds += 1000;
        --seconds;
    }
    if (!json_) {
        out.push_back('[');
        append_time(out, seconds);
        out.append("] ").append(level_name(record.level)).push_back(' ');
        append_escaped_text(out, record.text);
        out.push_back('\n');
        return;
    }
    out.append("{\"time\":\"");
    append_time(out, seconds);
    const std::string fraction = std::to_string(1000 + milliseconds);
    out.append(".").append(fraction, 1).append("Z\",\"level\":\"").append(level_name(record.level));
    out.append("\",\"log\":");
    append_json_string(out, record.log_name);
    out.append(",\"text\":");
    append_json_string(out, record.text);
    out.append("}\n");
}

}  // namespace mistamover::logging
