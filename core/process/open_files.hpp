// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace mistamover::process {

/// Raises this process's limit of open files as far as it may: a thousand streams have a thousand channels
/// and some three thousand log files.
void allow_many_files() noexcept;

}  // namespace mistamover::process
