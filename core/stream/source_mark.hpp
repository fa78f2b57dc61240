// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

namespace mistamover::stream {

/// Remembers, beyond the process's end, on which mount a mirrored directory lay when it last had something in
/// it: an empty one that lies elsewhere is a mount point whose disk is not there. Used by one thread at a
/// time.
class SourceMark {
  public:
    /// `work_dir`: the stream's own.
    SourceMark(const std::filesystem::path& work_dir, const std::filesystem::path& source);
    /// It has something in it. Where that cannot be noted, it is not known later.
    void note();
    /// Where it lay then, if that is elsewhere than now; else empty.
    [[nodiscard]] std::string moved_from() const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    [[nodiscard]] std::string noted() const;

    std::filesystem::path path_;
    std::string mount_;  ///< Now, that is since the process has it open.
};

}  // namespace mistamover::stream
