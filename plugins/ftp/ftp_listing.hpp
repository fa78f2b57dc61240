// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

#include "ftp/ftp_reply.hpp"

namespace mistamover::ftp {

struct ListedEntry {
    std::string name;
    EntryInfo info;
};

/// "20261124160500" or "20261124160500.123": seconds since 1970 UTC, in nanoseconds.
std::optional<std::int64_t> parse_time_value(std::string_view text);
/// The precision of such times, whatever fractions a server tells.
inline constexpr std::int64_t told_precision_ns = 1'000'000'000;
/// The time in a reply to MDTM.
std::optional<std::int64_t> told_time(const Reply& reply);
/// The same as parse_time_value the other way round, without fractions.
std::string format_time_value(std::int64_t mtime_ns);

/// The facts of a line of MLSD, or of MLST without its leading blank: "type=file;size=5; name". Nothing where
/// it is not one.
std::optional<EntryInfo> parse_mlst_facts(std::string_view line);
/// What a reply to MLST tells, its name with or without a path. Nothing where that is not understood.
std::optional<ListedEntry> read_mlst(const Reply& reply);
/// One line of MLSD; the directory itself is called ".", its parent "..". Nothing where it is not understood.
std::optional<ListedEntry> parse_mlsd_line(std::string_view line);

/// One line of LIST as Unix and Windows servers write it. Nothing where it is not understood. A date without
/// a year lies within the six months before `now`, or a day after it for clocks that differ. Times are the
/// server's, whose zone is not known: their precision says a day.
std::optional<ListedEntry> parse_list_line(std::string_view line, std::chrono::system_clock::time_point now);

struct Listing {
    std::vector<ListedEntry> entries;       ///< Without "." and "..".
    bool shows_itself = false;              ///< It has the line of ".".
    std::optional<std::string> unreadable;  ///< The lines that are not understood: who knows what they say.
};
Listing read_mlsd(std::string_view text);
/// As parse_list_line; empty lines and "total 5" stand for nothing.
Listing read_list(std::string_view text, std::chrono::system_clock::time_point now);

/// Whether a last reply to MLSD or LIST says that all was listed. Some servers report success where they cut
/// a listing off or could not open the directory, and say so in the text only.
bool lists_everything(const Reply& reply);

}  // namespace mistamover::ftp
