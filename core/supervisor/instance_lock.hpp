// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// Keeps a second controller from using the same run_dir: a lock on mistamover.lock, which the kernel takes
/// away with the process, and mistamover.pid, which is removed by a clean end only.
class InstanceLock {
  public:
    /// Throws std::runtime_error where another controller has the lock, naming its pid, or where run_dir
    /// cannot be used.
    explicit InstanceLock(const std::filesystem::path& run_dir);
    /// Removes the pid file.
    ~InstanceLock();
    InstanceLock(const InstanceLock&) = delete;
    InstanceLock& operator=(const InstanceLock&) = delete;

    /// Writes the pid file: from now on the log server brings this controller back.
    void announce() const;
    static std::filesystem::path pid_file(const std::filesystem::path& run_dir) {
        return run_dir / "mistamover.pid";
    }

  private:
    std::filesystem::path run_dir_;
    process::UniqueFd lock_;
};

}  // namespace mistamover::supervisor
