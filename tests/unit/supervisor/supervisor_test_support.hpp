// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <sys/types.h>

namespace mistamover::test {

/// A child process that does `work` and then waits to be killed, which the destructor sees to.
class Child {
  public:
    /// Returns once `work` has been done. Throws std::runtime_error where it failed.
    explicit Child(const std::function<void()>& work);
    ~Child() { kill(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Returns once it has gone.
    void kill();

  private:
    pid_t pid_ = -1;
};

/// A process that stands for a controller: it has the lock of this run_dir, and has announced itself or not.
enum class Announces { yes, no };
std::function<void()> controller_of(const std::filesystem::path& run_dir, Announces announces);

}  // namespace mistamover::test
