// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace mistamover::supervisor {

/// Remembers, as a file in the work directory of a stream's process, that SIGUSR1 has stopped the stream: for
/// its next process, and for a controller that is brought back.
class StoppedMark {
  public:
    explicit StoppedMark(const std::filesystem::path& work_dir);

    [[nodiscard]] bool is_set() const;
    /// Where it can be: what cannot be remembered is forgotten with the process.
    void set() const;
    void remove() const;
    /// Those of all work directories in `work_dirs`.
    static void remove_all(const std::filesystem::path& work_dirs);

  private:
    std::filesystem::path file_;
};

}  // namespace mistamover::supervisor
