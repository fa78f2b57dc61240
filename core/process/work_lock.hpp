// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "process/unique_fd.hpp"

namespace mistamover::process {

/// Takes the lock of a work directory, which lasts as long as the descriptor; waits for the process of an
/// earlier controller that may still be ending. Throws std::system_error.
UniqueFd take_work_lock(const std::string& work_dir);

/// Whether no process has it, at this moment.
bool work_lock_is_free(const std::string& work_dir);

}  // namespace mistamover::process
