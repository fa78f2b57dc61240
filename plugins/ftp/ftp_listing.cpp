// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_listing.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <ctime>

#include <mistamover/ls_letters.hpp>

namespace mistamover::ftp {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t day_ns = 86'400 * second_ns;

template <typename Number>
std::optional<Number> number_in(std::string_view text, int base = 10) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::optional<std::int64_t> time_of(int year, unsigned month, unsigned day, int hour, int minute,
                                    int second) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    const std::int64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    std::int64_t nanoseconds = 0;  // which go from 1677 to 2262
    return __builtin_mul_overflow(seconds, second_ns, &nanoseconds) ? std::nullopt
                                                                    : std::optional(nanoseconds);
}

EntryKind kind_of_fact(const std::string& type) {
    if (type == "file") {
        return EntryKind::file;
    }
    if (type == "dir" || type == "cdir" || type == "pdir") {
        return EntryKind::directory;
    }
    return type.find("link") != std::string::npos ? EntryKind::symlink : EntryKind::other;
}

bool note_fact(const std::string& name, std::string_view value, EntryInfo& info) {
    if (name == "type") {
        info.kind = kind_of_fact(lower(value));
    } else if (name == "size") {
        const auto size = number_in<std::uint64_t>(value);
        info.size = size.value_or(0);
        return size.has_value();
    } else if (name == "modify") {
        if (const auto time = parse_time_value(value)) {
            info.mtime_ns = *time;
            info.mtime_precision_ns = told_precision_ns;
        }
    } else if (name == "unix.mode") {
        info.mode = number_in<std::uint32_t>(value, 8).value_or(0) & 07777;
    }
    return true;
}

/// The next word of `line`, which is cut off with the blanks before and one blank behind it.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

std::optional<unsigned> month_in(std::string_view word) {
    static constexpr std::array<std::string_view, 12> names{"jan", "feb", "mar", "apr", "may", "jun",
                                                            "jul", "aug", "sep", "oct", "nov", "dec"};
    const auto* const found = std::find(names.begin(), names.end(), lower(word));
    if (found == names.end()) {
        return std::nullopt;
    }
    return static_cast<unsigned>(found - names.begin()) + 1;
}

struct HourMinute {
    int hour;
    int minute;
};

std::optional<HourMinute> clock_in(std::string_view word) {
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto hour = number_in<int>(word.substr(0, colon));
    const auto minute = number_in<int>(word.substr(colon + 1));
    return hour && minute ? std::optional(HourMinute{*hour, *minute}) : std::nullopt;
}

// "Nov 24 16:05" of the last six months, "Nov 24  2025" of any other time.
std::optional<std::int64_t> unix_date(std::string_view month, std::string_view day,
                                      std::string_view year_or_clock,
                                      std::chrono::system_clock::time_point now) {
    const auto number_of_month = month_in(month);
    const auto number_of_day = number_in<unsigned>(day);
    if (!number_of_month || !number_of_day) {
        return std::nullopt;
    }
    const auto clock = clock_in(year_or_clock);
    if (!clock) {
        const auto year = number_in<int>(year_or_clock);
        return year ? time_of(*year, *number_of_month, *number_of_day, 0, 0, 0) : std::nullopt;
    }
    const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
    const std::int64_t latest =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count() + day_ns;
    // This year's such day, unless that lies ahead; 29 February may be years away.
    for (int year = static_cast<int>(today.year()) + 1; year > static_cast<int>(today.year()) - 5; --year) {
        const auto time = time_of(year, *number_of_month, *number_of_day, clock->hour, clock->minute, 0);
        if (time && *time <= latest) {
            return time;
        }
    }
    return std::nullopt;
}

// "-rw-r--r--    1 owner group   1234 Nov 24 16:05 name"; some leave the group or the links out. The size is
// the last number before a month.
std::optional<ListedEntry> parse_unix_line(std::string_view line, std::chrono::system_clock::time_point now) {
    const std::string_view letters = take_word(line);
    const auto kind = letters.size() >= 10 ? kind_of_letter(letters[0]) : std::nullopt;
    if (!kind) {
        return std::nullopt;
    }
    ListedEntry entry;
    entry.info.kind = *kind;
    entry.info.mode = mode_of_letters(letters.substr(1));
    constexpr int most_columns = 6;
    std::string_view word = take_word(line);
    for (int column = 0; column < most_columns && !line.empty(); ++column) {
        const std::string_view previous = word;
        word = take_word(line);
        const auto size = number_in<std::uint64_t>(previous);
        if (!size || !month_in(word)) {
            continue;
        }
        const std::string_view day = take_word(line);
        const auto time = unix_date(word, day, take_word(line), now);
        if (!time) {
            return std::nullopt;
        }
        entry.info.size = *size;
        entry.info.mtime_ns = *time;
        entry.info.mtime_precision_ns = day_ns;
        if (*kind == EntryKind::symlink) {
            line = line.substr(0, line.find(" -> "));
        }
        entry.name = line;
        return entry;
    }
    return std::nullopt;
}

// "11-24-26  04:05PM       <DIR>          name", or a size instead of <DIR>; years of two or four digits.
std::optional<ListedEntry> parse_windows_line(std::string_view line) {
    const std::string_view date = take_word(line);
    const std::string_view clock_word = take_word(line);
    const std::string_view size_word = take_word(line);
    if (date.size() < 8 || date[2] != '-' || date[5] != '-' || clock_word.size() < 5) {
        return std::nullopt;
    }
    const auto month = number_in<unsigned>(date.substr(0, 2));
    const auto day = number_in<unsigned>(date.substr(3, 2));
    auto year = number_in<int>(date.substr(6));
    auto clock = clock_in(clock_word.substr(0, 5));
    if (!month || !day || !year || !clock) {
        return std::nullopt;
    }
    if (*year < 100) {
        *year += *year < 70 ? 2000 : 1900;
    }
    const std::string half = lower(clock_word.substr(5));
    if (!half.empty()) {
        clock->hour = clock->hour % 12 + (half == "pm" ? 12 : 0);
    }
    ListedEntry entry;
    const auto time = time_of(*year, *month, *day, clock->hour, clock->minute, 0);
    const bool is_directory = size_word == "<DIR>";
    const auto size = number_in<std::uint64_t>(size_word);
    if (!time || (!is_directory && !size)) {
        return std::nullopt;
    }
    entry.info.kind = is_directory ? EntryKind::directory : EntryKind::file;
    entry.info.size = size.value_or(0);
    entry.info.mtime_ns = *time;
    entry.info.mtime_precision_ns = day_ns;
    // The size stands right-aligned, one blank before the name; <DIR> has ten.
    constexpr std::size_t blanks_behind_directory = 9;
    if (is_directory && line.starts_with(std::string(blanks_behind_directory, ' '))) {
        line.remove_prefix(blanks_behind_directory);
    }
    entry.name = line;
    return entry;
}

bool says_nothing(std::string_view line) {
    return line.empty() || lower(line.substr(0, 6)) == "total ";
}

template <typename ParseLine>
Listing read_lines(std::string_view text, const ParseLine& parse_line) {
    Listing listing;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (says_nothing(line)) {
            continue;
        }
        std::optional<ListedEntry> entry = parse_line(line);
        if (!entry || entry->name.find('/') != std::string::npos) {
            std::string& lines = listing.unreadable ? *listing.unreadable : listing.unreadable.emplace();
            lines += (lines.empty() ? "" : "\n") + std::string(line);
        } else if (entry->name == ".") {
            listing.shows_itself = true;
        } else if (entry->name != "..") {
            listing.entries.push_back(std::move(*entry));
        }
    }
    return listing;
}

}  // namespace

std::optional<std::int64_t> parse_time_value(std::string_view text) {
    constexpr std::size_t digits = 14;
    text = text.substr(0, text.find('.'));
    if (text.size() != digits) {
        return std::nullopt;
    }
    const auto year = number_in<int>(text.substr(0, 4));
    const auto month = number_in<unsigned>(text.substr(4, 2));
    const auto day = number_in<unsigned>(text.substr(6, 2));
    const auto hour = number_in<int>(text.substr(8, 2));
    const auto minute = number_in<int>(text.substr(10, 2));
    const auto second = number_in<int>(text.substr(12, 2));
    if (!year || !month || !day || !hour || !minute || !second) {
        return std::nullopt;
    }
    return time_of(*year, *month, *day, *hour, *minute, *second);
}

std::optional<std::int64_t> told_time(const Reply& reply) {
    constexpr int file_status = 213;
    return reply.code == file_status ? parse_time_value(reply.lines.front()) : std::nullopt;
}

std::string format_time_value(std::int64_t mtime_ns) {
    const std::time_t seconds = mtime_ns / second_ns - (mtime_ns % second_ns < 0 ? 1 : 0);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts);
    return {text.data(), length};
}

std::optional<EntryInfo> parse_mlst_facts(std::string_view line) {
    EntryInfo info;
    bool has_type = false;
    while (!line.empty() && line.front() != ' ') {
        const std::size_t end = line.find(';');
        const std::size_t equals = line.find('=');
        if (end == std::string_view::npos || equals > end) {
            return std::nullopt;
        }
        const std::string name = lower(line.substr(0, equals));
        has_type = has_type || name == "type";
        if (!note_fact(name, line.substr(equals + 1, end - equals - 1), info)) {
            return std::nullopt;
        }
        line.remove_prefix(end + 1);
    }
    return has_type && !line.empty() ? std::optional(info) : std::nullopt;
}

std::optional<ListedEntry> read_mlst(const Reply& reply) {
    if (!reply.completed() || reply.lines.size() < 2) {
        return std::nullopt;
    }
    std::string_view line = reply.lines[1];
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto info = parse_mlst_facts(line);
    return info ? std::optional(ListedEntry{std::string(line.substr(line.find("; ") + 2)), *info})
                : std::nullopt;
}

std::optional<ListedEntry> parse_mlsd_line(std::string_view line) {
    const auto info = parse_mlst_facts(line);
    const std::size_t blank = line.find("; ");
    if (!info || blank == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string facts = lower(line.substr(0, blank + 1));
    std::string name(line.substr(blank + 2));
    if (facts.find("type=cdir;") != std::string::npos) {
        name = ".";
    } else if (facts.find("type=pdir;") != std::string::npos) {
        name = "..";
    }
    return name.empty() ? std::nullopt : std::optional(ListedEntry{name, *info});
}

std::optional<ListedEntry> parse_list_line(std::string_view line, std::chrono::system_clock::time_point now) {
    if (line.empty()) {
        return std::nullopt;
    }
    const bool begins_with_date = std::isdigit(static_cast<unsigned char>(line.front())) != 0;
    std::optional<ListedEntry> entry =
        begins_with_date ? parse_windows_line(line) : parse_unix_line(line, now);
    return entry && entry->name.empty() ? std::nullopt : entry;
}

Listing read_mlsd(std::string_view text) {
    return read_lines(text, parse_mlsd_line);
}

Listing read_list(std::string_view text, std::chrono::system_clock::time_point now) {
    return read_lines(text, [now](std::string_view line) { return parse_list_line(line, now); });
}

bool lists_everything(const Reply& reply) {
    return reply.completed() &&
           std::none_of(reply.lines.begin(), reply.lines.end(), [](const std::string& line) {
               const std::string words = lower(line);
               return words.find("truncated") != std::string::npos ||
                      words.find("failed to open") != std::string::npos;
           });
}

}  // namespace mistamover::ftp
