// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>

#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// Keeps a second controller from using the same run_dir: a lock on mistamover.lock, which goes with the
/// process, whatever ends it, and which no child inherits; and mistamover.pid, which only a clean end
/// removes, and which so tells that a controller is wanted here.
class InstanceLock {
  public:
    /// Throws std::runtime_error where another controller has the lock, naming its pid, or where run_dir
    /// cannot be used.
    explicit InstanceLock(const std::filesystem::path& run_dir);

    /// Writes the pid file: from now on the log server brings this controller back. Returns why there is no
    /// room for it; empty: it is written. Throws std::runtime_error where anything else is wrong.
    [[nodiscard]] std::string announce() const;
    /// Removes the pid file, unless it may be that of another controller: from now on nothing brings this one
    /// back.
    void withdraw() const noexcept;
    /// False where the lock file was removed, or replaced: the lock keeps nobody away any more.
    [[nodiscard]] bool is_in_place() const noexcept;

    /// Who has the lock; 0: nobody; -1: a process that cannot be seen from here. Not to be asked in the
    /// process that has it: it would lose it.
    static pid_t holder(const std::filesystem::path& run_dir);
    /// Whom the pid file names; 0: nobody.
    static pid_t announced(const std::filesystem::path& run_dir);
    static std::filesystem::path pid_file(const std::filesystem::path& run_dir) {
        return run_dir / "mistamover.pid";
    }

  private:
    std::filesystem::path run_dir_;
    process::UniqueFd lock_;
};

}  // namespace mistamover::supervisor
