// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>

namespace mistamover::arrivals {

/// Whether the errno tells of this machine's descriptors or memory, and so nothing of the file that it was
/// met with: it passes.
constexpr bool is_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

}  // namespace mistamover::arrivals
