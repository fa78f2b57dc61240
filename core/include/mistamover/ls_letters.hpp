// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The letters with which `ls -l`, and the servers and programs that print like it, tell what an entry is.

#include <cstdint>
#include <optional>
#include <string_view>

#include <mistamover/border.hpp>

namespace mistamover {

/// By the first letter: '-', 'd', 'l', or one of the special files' ("pscb"); nothing for another.
std::optional<EntryKind> kind_of_letter(char letter) noexcept;

/// The permission bits of the nine letters that follow ("rwxr-s--T"); fewer count as if '-' followed.
std::uint32_t mode_of_letters(std::string_view letters) noexcept;

}  // namespace mistamover
