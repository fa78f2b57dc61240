// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <mistamover/border.hpp>

namespace mistamover::rsync {

/// Undoes rsync's way of printing a name: every control character, and a backslash where it could be mistaken
/// for such an escape, is "\#" and three octal digits.
std::string unescaped(std::string_view printed);

/// Cuts what comes in pieces into lines, without their ends.
class LineSplitter {
  public:
    explicit LineSplitter(std::function<void(std::string_view)> on_line) : on_line_(std::move(on_line)) {}
    void feed(std::string_view piece);

  private:
    std::function<void(std::string_view)> on_line_;
    std::string rest_;
};

/// One line of --out-format="%i %l %n".
struct ItemLine {
    enum class What : std::uint8_t { sent, created, unchanged, removed };
    What what = What::unchanged;
    std::uint64_t size = 0;
    std::string path;  ///< Without the slash that rsync puts behind a directory.
};
std::optional<ItemLine> parse_item_line(std::string_view line);

/// One line of --list-only --no-human-readable, with times in UTC.
struct ListLine {
    EntryInfo info;
    std::string path;
};
std::optional<ListLine> parse_list_line(std::string_view line);

}  // namespace mistamover::rsync
