// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_output.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <mistamover/ls_letters.hpp>

namespace mistamover::rsync {
namespace {

constexpr std::size_t itemisation_width = 11;  // of %i
constexpr std::size_t permissions_width = 10;
constexpr std::size_t time_width = 19;  // 2026/11/24 15:36:16
constexpr std::int64_t second_ns = 1'000'000'000;

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return number;
}

// Takes a number and the blanks around it off the front.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::size_t end = text.find(' ');
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const auto number = number_of(text.substr(0, end));
    text.remove_prefix(end + 1);
    return number;
}

std::string path_of(std::string_view printed) {
    if (printed.size() > 1 && printed.ends_with('/')) {
        printed.remove_suffix(1);
    }
    return unescaped(printed);
}

std::optional<ItemLine::What> what_of(std::string_view itemisation) {
    switch (itemisation.front()) {
        case '<':
        case '>':
            return ItemLine::What::sent;
        case 'c':
        case 'h':
            return ItemLine::What::created;
        case '.':
            return ItemLine::What::unchanged;
        case '*':
            return itemisation.starts_with("*deleting") ? std::optional(ItemLine::What::removed)
                                                        : std::nullopt;
        default:
            return std::nullopt;
    }
}

std::optional<std::int64_t> time_of(std::string_view text) {
    std::array<int, 6> parts{};
    std::size_t at = 0;
    for (int& part : parts) {
        const std::size_t end = std::min(text.find_first_of("/: ", at), text.size());
        const auto number = number_of(text.substr(at, end - at));
        if (!number || *number > 9999) {
            return std::nullopt;
        }
        part = static_cast<int>(*number);
        at = std::min(end + 1, text.size());
    }
    std::tm time{};
    time.tm_year = parts[0] - 1900;
    time.tm_mon = parts[1] - 1;
    time.tm_mday = parts[2];
    time.tm_hour = parts[3];
    time.tm_min = parts[4];
    time.tm_sec = parts[5];
    return ::timegm(&time);
}

// What rsync prints for a time: of 19 characters, though it is cut there, but for rsync older than 3.2, which
// does not cut it.
std::string_view printed_time(std::string_view line) {
    if (line.size() > time_width && line[time_width] == ' ') {
        return line.substr(0, time_width);
    }
    constexpr std::size_t hours_to_seconds = std::string_view(" 15:36:16").size();
    const std::size_t date = line.find(' ');
    return date == std::string_view::npos ? "" : line.substr(0, date + hours_to_seconds);
}

bool looks_like_time(std::string_view text) {
    return text == "(time out of range)" ||
           (text.find('/') != std::string_view::npos && text.find(':') != std::string_view::npos &&
            text.find_first_not_of("0123456789/: -") == std::string_view::npos);
}

}  // namespace

std::string unescaped(std::string_view printed) {
    std::string text;
    text.reserve(printed.size());
    for (std::size_t i = 0; i < printed.size(); ++i) {
        const std::string_view escape = printed.substr(i, 5);
        const bool is_escape = escape.size() == 5 && escape.starts_with("\\#") && escape[2] <= '3' &&
                               is_octal(escape[2]) && is_octal(escape[3]) && is_octal(escape[4]);
        if (is_escape) {
            text += static_cast<char>((escape[2] - '0') * 64 + (escape[3] - '0') * 8 + (escape[4] - '0'));
            i += 4;
        } else {
            text += printed[i];
        }
    }
    return text;
}

void LineSplitter::feed(std::string_view piece) {
    for (std::size_t end = 0; (end = piece.find('\n')) != std::string_view::npos;) {
        rest_ += piece.substr(0, end);
        on_line_(rest_);
        rest_.clear();
        piece.remove_prefix(end + 1);
    }
    rest_ += piece;
}

std::optional<ItemLine> parse_item_line(std::string_view line) {
    if (line.size() <= itemisation_width + 1 || line[itemisation_width] != ' ') {
        return std::nullopt;
    }
    const auto what = what_of(line.substr(0, itemisation_width));
    line.remove_prefix(itemisation_width + 1);
    const auto size = take_number(line);
    if (!what || !size || line.empty()) {
        return std::nullopt;
    }
    return ItemLine{*what, *size, path_of(line)};
}

std::optional<ListLine> parse_list_line(std::string_view line) {
    if (line.size() < permissions_width) {
        return std::nullopt;
    }
    const auto kind = kind_of_letter(line.front());
    const std::string_view permissions = line.substr(1, permissions_width - 1);
    line.remove_prefix(permissions_width);
    // An access control list may be marked by one more character.
    const std::size_t blank = line.find(' ');
    if (!kind || blank > 1) {
        return std::nullopt;
    }
    line.remove_prefix(blank);
    const auto size = take_number(line);
    const std::string_view time_text = printed_time(line);
    line.remove_prefix(time_text.size());
    if (!size || !looks_like_time(time_text) || line.size() < 2 || line.front() != ' ') {
        return std::nullopt;
    }
    ListLine result;
    result.info.kind = *kind;
    result.info.size = *size;
    // One before 1677 or after 2262 cannot be told.
    const auto time = time_of(time_text);
    if (time && !__builtin_mul_overflow(*time, second_ns, &result.info.mtime_ns)) {
        result.info.mtime_precision_ns = second_ns;
    }
    result.info.mode = mode_of_letters(permissions);
    result.path = path_of(line.substr(1));
    return result;
}

}  // namespace mistamover::rsync
