// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_message.hpp"

#include <algorithm>
#include <cstring>

namespace mistamover::logging {
namespace {

constexpr char version = 1;
constexpr std::size_t header_size = 1 + 1 + 4 + 8;
constexpr std::size_t max_name = 255;
constexpr std::size_t cut_mark_limit = 48;

template <typename T>
void put(std::string& message, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    message.append(bytes, sizeof bytes);
}

template <typename T>
T take(std::string_view& from) {
    T value{};
    std::memcpy(&value, from.data(), sizeof value);
    from.remove_prefix(sizeof value);
    return value;
}

std::size_t cut_length(std::string_view text) {
    std::size_t length = max_text;
    for (int back = 0; back < 3 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U; ++back) {
        --length;
    }
    return length;
}

}  // namespace

void append_record(std::string& message, const Record& record) {
    const std::string_view name = record.log_name.substr(0, max_name);
    std::string_view text = record.text;
    std::string mark;
    if (text.size() > max_text) {
        text = text.substr(0, cut_length(text));
        mark = " [cut: " + std::to_string(record.text.size() - text.size()) + " bytes more]";
    }
    if (message.empty()) {
        message.push_back(version);
    }
    put(message, static_cast<std::uint8_t>(record.level));
    put(message, static_cast<std::uint8_t>(name.size()));
    put(message, static_cast<std::uint32_t>(text.size() + mark.size()));
    put(message, record.time_ms);
    message.append(name).append(text).append(mark);
}

std::size_t record_size_limit(std::string_view log_name, std::string_view text) noexcept {
    return header_size + std::min(log_name.size(), max_name) +
           (text.size() > max_text ? max_text + cut_mark_limit : text.size());
}

Decoded decode_message(std::string_view message) {
    Decoded decoded;
    decoded.malformed = message.size() <= 1 || message.front() != version;
    if (decoded.malformed) {
        return decoded;
    }
    message.remove_prefix(1);
    while (!message.empty()) {
        if (message.size() < header_size) {
            decoded.malformed = true;
            return decoded;
        }
        const auto level = take<std::uint8_t>(message);
        const std::size_t name_size = take<std::uint8_t>(message);
        const std::size_t text_size = take<std::uint32_t>(message);
        const auto time_ms = take<std::int64_t>(message);
        if (level > static_cast<std::uint8_t>(LogLevel::critical) || message.size() < name_size + text_size) {
            decoded.malformed = true;
            return decoded;
        }
        decoded.records.push_back({message.substr(0, name_size), static_cast<LogLevel>(level), time_ms,
                                   message.substr(name_size, text_size)});
        message.remove_prefix(name_size + text_size);
    }
    return decoded;
}

}  // namespace mistamover::logging
