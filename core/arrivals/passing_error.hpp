// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>

namespace mistamover::arrivals {

/// Whether the errno tells of this machine's descriptors or memory, or of a lease that somebody has to give
/// back, and so nothing of the file that it was met with: it passes.
constexpr bool is_passing(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EWOULDBLOCK;
}

}  // namespace mistamover::arrivals
