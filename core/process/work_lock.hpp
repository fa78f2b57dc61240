// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "process/unique_fd.hpp"

namespace mistamover::process {

// A work directory is RUN_DIR/KIND/NAME: that of one process at a time. What throws, throws
// std::system_error.

/// Takes the lock of a work directory, which lasts as long as the descriptor. Invalid where another process
/// has it: that of an earlier controller may still be ending (WorkWait).
UniqueFd try_work_lock(const std::string& work_dir);

/// Whether no process has it, at this moment.
bool work_lock_is_free(const std::string& work_dir);

/// Keeps processes of the same run_dir that start meanwhile from working in a directory, whatever becomes of
/// the controller, and whatever stream they work for. For one thread.
class WorkHold {
  public:
    /// `work_dir`: of the process that holds. Makes the file with the locks of all: once a disk is full, it
    /// might be too late.
    explicit WorkHold(const std::string& work_dir);

    /// Lasts until release() or the end of the object. False where another one has it; true as well where
    /// there is no such directory, in which nobody can work.
    [[nodiscard]] bool take(const std::string& directory);
    void release();

  private:
    std::string path_;
    UniqueFd file_;
};

/// Whether work in the directory is held back, at this moment, from the process of this work directory.
bool work_is_held_back(const std::string& work_dir, const std::string& directory);

}  // namespace mistamover::process
