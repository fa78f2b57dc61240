// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "scratch.hpp"

namespace mistamover::test {

/// Whether a SmallDisk can be made: only root may mount.
bool may_mount();

/// A file system of its own on a directory, which exists; gone with the object.
class SmallDisk {
  public:
    enum class Kind : std::uint8_t {
        tmpfs,
        ext4,  ///< On a loop device; where there is none, a tmpfs, and the test says so.
    };
    SmallDisk(std::filesystem::path directory, unsigned megabytes, Kind kind = Kind::tmpfs);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return directory_; }
    [[nodiscard]] std::uint64_t free_bytes() const;
    [[nodiscard]] std::uint64_t total_bytes() const;
    /// Makes a file `ballast` in it so large that so many bytes are free, within a few blocks.
    void leave_free(std::uint64_t bytes) const;
    /// No further file can be made; of a tmpfs.
    void take_all_inodes() const;

  private:
    bool mount_ext4(unsigned megabytes);

    std::filesystem::path directory_;
    Scratch image_;
};

}  // namespace mistamover::test
