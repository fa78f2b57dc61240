// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "scratch.hpp"

namespace mistamover::test {

/// Whether a FullDisk can be made: only root may mount.
inline bool may_mount() {
    if (::geteuid() != 0) {
        MESSAGE("not run: only root may mount the small file system that this test fills");
    }
    return ::geteuid() == 0;
}

/// A file system of one megabyte, for which fill() leaves no room.
class FullDisk {
  public:
    FullDisk() { REQUIRE(::mount("tmpfs", path().c_str(), "tmpfs", 0, "size=1m") == 0); }
    ~FullDisk() { ::umount2(path().c_str(), MNT_DETACH); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return directory_.path(); }
    [[nodiscard]] std::filesystem::path ballast() const { return directory_ / "ballast"; }
    void fill() const {
        const int fd = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        const std::string block(4096, 'b');
        while (::write(fd, block.data(), block.size()) > 0) {
        }
        ::close(fd);
    }
    /// No further file or directory can be made.
    void take_all_inodes() const {
        struct statvfs info {};
        REQUIRE(::statvfs(path().c_str(), &info) == 0);
        const std::string inodes = "nr_inodes=" + std::to_string(info.f_files - info.f_ffree);
        REQUIRE(::mount("tmpfs", path().c_str(), "tmpfs", MS_REMOUNT, inodes.c_str()) == 0);
    }

  private:
    Scratch directory_;
};

}  // namespace mistamover::test
