// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cstddef>

#include <mistamover/ls_letters.hpp>

namespace mistamover {

std::optional<EntryKind> kind_of_letter(char letter) noexcept {
    switch (letter) {
        case '-':
            return EntryKind::file;
        case 'd':
            return EntryKind::directory;
        case 'l':
            return EntryKind::symlink;
        case 'p':
        case 's':
        case 'c':
        case 'b':
            return EntryKind::other;
        default:
            return std::nullopt;
    }
}

std::uint32_t mode_of_letters(std::string_view letters) noexcept {
    constexpr std::size_t count = 9;
    constexpr std::array<std::uint32_t, 3> special{04000, 02000, 01000};
    std::uint32_t mode = 0;
    for (std::size_t i = 0; i < std::min(letters.size(), count); ++i) {
        const char letter = letters[i];
        if (letter != '-' && letter != 'S' && letter != 'T') {
            mode |= 0400U >> i;
        }
        if (letter == 's' || letter == 'S' || letter == 't' || letter == 'T') {
            mode |= special[i / 3];
        }
    }
    return mode;
}

}  // namespace mistamover
