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

/// Keeps a process of this work directory that starts meanwhile from its work, as long as the descriptor
/// lasts, whatever becomes of the controller; waits for whoever does so already. Where there is no such
/// directory, nobody has worked there yet: invalid. Throws std::system_error.
UniqueFd hold_back_work(const std::string& work_dir);

/// Whether anybody holds the work back, at this moment. Throws std::system_error.
bool work_is_held_back(const std::string& work_dir);

}  // namespace mistamover::process
