// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace mistamover::sftp {

/// Temporary files of one session: names that no other session has, with nothing of the final name in them,
/// which may be as long as a name can be.
class TempNames {
  public:
    /// `directory`: of the stream's temporary files, as the server knows it.
    explicit TempNames(std::string directory);
    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] std::string next();
    /// For a file that another session may go on with.
    [[nodiscard]] std::string next_resumable();
    /// A dot-name in another directory.
    [[nodiscard]] std::string next_in(const std::string& directory);

  private:
    std::string directory_;
    std::string prefix_;
    std::uint64_t count_ = 0;
};

}  // namespace mistamover::sftp
