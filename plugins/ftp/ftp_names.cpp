// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_names.hpp"

#include <algorithm>
#include <cctype>

namespace mistamover::ftp {
namespace {

constexpr std::size_t elsewhere = 256;  // what else the number of a byte stands for, in NameMarks
constexpr std::size_t blank_in_front = elsewhere;
constexpr std::size_t longest_body = 128;

unsigned char byte_of(char c) {
    return static_cast<unsigned char>(c);
}

bool is_ascii(char c) {
    return byte_of(c) < 128;
}

bool is_plain(char c) {
    return is_ascii(c) && (std::isalnum(byte_of(c)) != 0 || c == '.' || c == '_' || c == '-');
}

bool may_be_cut_off(char c) {
    return c == ' ' || c == '.';
}

/// The bytes of the UTF-8 character that `text` begins with; 0 where it begins with none.
std::size_t character_length(std::string_view text) {
    const unsigned char first = byte_of(text.front());
    std::size_t length = 0;
    if (first < 0x80) {
        length = 1;
    } else if (first >= 0xc2 && first < 0xf5) {
        length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    }
    const std::string_view rest = text.substr(1, std::max<std::size_t>(length, 1) - 1);
    const bool whole = rest.size() + 1 == length && std::all_of(rest.begin(), rest.end(), [](char c) {
                           return (byte_of(c) & 0xc0U) == 0x80;
                       });
    return whole ? length : 0;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

/// Each character that is not plain once, in the order of the name: bytes of one alone would mean nothing.
std::vector<std::string> odd_characters(std::string_view name) {
    const bool by_characters = is_utf8(name);
    std::vector<std::string> found;
    while (!name.empty()) {
        const std::size_t length = by_characters ? character_length(name) : 1;
        const std::string character(name.substr(0, length));
        name.remove_prefix(length);
        if (!is_plain(character.front()) && std::find(found.begin(), found.end(), character) == found.end()) {
            found.push_back(character);
        }
    }
    return found;
}

}  // namespace

NameMarks marks_in(std::string_view name) {
    NameMarks marks;
    if (name.empty()) {
        return marks;
    }
    const std::size_t high = is_utf8(name) ? 0 : elsewhere;
    for (const char c : name) {
        if (!is_plain(c)) {
            marks.set(byte_of(c) + (is_ascii(c) ? 0 : high));
        }
    }
    if (name.front() == ' ') {
        marks.set(blank_in_front);
    }
    if (may_be_cut_off(name.back())) {
        marks.set(elsewhere + byte_of(name.back()));
    }
    return marks;
}

std::vector<std::string> trial_names(std::string_view name, std::string_view front) {
    const std::string begin = (name.starts_with(' ') ? " " : "") + std::string(front);
    const std::string end = may_be_cut_off(name.back()) ? std::string("-") + name.back() : "-";
    std::vector<std::string> bodies(1);
    for (const std::string& character : odd_characters(name)) {
        if (bodies.back().size() + character.size() > longest_body) {
            bodies.emplace_back();
        }
        bodies.back() += character;
    }
    for (std::string& body : bodies) {
        body = begin + body + end;
    }
    return bodies;
}

KeptNames::Known KeptNames::about(const NameMarks& marks) const {
    const std::lock_guard lock(mutex_);
    if ((marks & ~kept_).none()) {
        return Known::kept;
    }
    const bool changed = std::any_of(changed_.begin(), changed_.end(),
                                     [&](const NameMarks& some) { return (some & ~marks).none(); });
    return changed ? Known::changed : Known::nothing;
}

void KeptNames::note(const NameMarks& marks, bool kept) {
    const std::lock_guard lock(mutex_);
    if (kept) {
        kept_ |= marks;
    } else if (const NameMarks suspects = marks & ~kept_; suspects.any()) {
        changed_.push_back(suspects);
    }
}

KeptNames::Known KeptNames::about(std::size_t length) const {
    const std::lock_guard lock(mutex_);
    if (length <= longest_kept_) {
        return Known::kept;
    }
    return length >= shortest_changed_ ? Known::changed : Known::nothing;
}

void KeptNames::note(std::size_t length, bool kept) {
    const std::lock_guard lock(mutex_);
    if (kept) {
        longest_kept_ = std::max(longest_kept_, length);
    } else {
        shortest_changed_ = std::min(shortest_changed_, length);
    }
}

}  // namespace mistamover::ftp
