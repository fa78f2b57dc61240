// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "files/mounts.hpp"

namespace mistamover::stream {

/// Tells whether what a mirrored directory holds may be missing because a disk is not there. Remembers,
/// beyond the process's end, on which mount the directory lay when it was last mirrored with something in it:
/// where it lies elsewhere now, it may be a mount point whose disk is not there. Used by one thread at a
/// time.
class SourceMark {
  public:
    /// `work_dir`: the stream's own.
    SourceMark(const std::filesystem::path& work_dir, const std::filesystem::path& source,
               files::MountTables tables = {});
    /// It has something in it, and that counts. Where that cannot be noted, it is not known later.
    void note();
    /// Where it lay then, if that is elsewhere than now; else empty.
    [[nodiscard]] std::string moved_from() const;
    /// The mount points in it, relative to it, that are to be mounted at the start, and are not.
    [[nodiscard]] std::vector<std::string> missing_below() const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    [[nodiscard]] std::string noted() const;

    std::filesystem::path path_;
    std::filesystem::path source_;  ///< Without links.
    files::MountTables tables_;
    std::string mount_;  ///< Now, that is since the process has it open.
};

}  // namespace mistamover::stream
