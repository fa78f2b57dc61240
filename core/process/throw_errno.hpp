// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace mistamover::process {

/// Throws std::system_error with errno and what was tried ("open /data/x").
[[noreturn]] inline void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace mistamover::process
