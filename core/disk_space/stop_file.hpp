// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "disk_space/space_policy.hpp"

namespace mistamover::disk_space {

/// One place where the monitor may put a `.stop` file; whose one is, files::stop_author tells. Throws
/// std::system_error where the kernel refuses; a directory that is not there is no error, and holds no file.
class StopFileAt {
  public:
    explicit StopFileAt(std::filesystem::path path) : path_(std::move(path)) {}

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] StopSeen look() const;

    /// Makes it, whole at once, unless the name is taken. True where it was made.
    bool place(const std::string& label, std::int64_t now) const;
    /// Removes it if it is the monitor's own. It is renamed aside and looked at again first: one that has
    /// become foreign meanwhile gets its name back. True where it was removed.
    bool remove() const;
    /// The latter half of remove(), for what has been renamed aside.
    bool remove_from_aside() const;
    /// Ends what a crash has left of place and remove.
    void recover() const;

  private:
    std::filesystem::path path_;
};

}  // namespace mistamover::disk_space
