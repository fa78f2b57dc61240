// SPDX-License-Identifier: BSD-3-Clause
#include "small_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace mistamover::test {
namespace {

struct statvfs usage_of(const std::filesystem::path& path) {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) {
        throw std::runtime_error("statvfs " + path.string());
    }
    return info;
}

bool run_command(const std::string& command) {
    return std::system(command.c_str()) == 0;
}

}  // namespace

bool may_mount() {
    if (::geteuid() == 0) {
        return true;
    }
    MESSAGE("not run: only root may mount the small file system that this test fills");
    return false;
}

SmallDisk::SmallDisk(std::filesystem::path directory, unsigned megabytes, Kind kind)
    : directory_(std::move(directory)) {
    if (kind == Kind::ext4 && mount_ext4(megabytes)) {
        return;
    }
    const std::string size = "size=" + std::to_string(megabytes) + "m,mode=0777";
    REQUIRE(::mount("tmpfs", directory_.c_str(), "tmpfs", 0, size.c_str()) == 0);
}

SmallDisk::~SmallDisk() {
    ::umount2(directory_.c_str(), MNT_DETACH);
}

bool SmallDisk::mount_ext4(unsigned megabytes) {
    const std::string image = (image_ / "image").string();
    REQUIRE_MESSAGE(run_command("command -v mkfs.ext4 >/dev/null"),
                    "mkfs.ext4 is missing: package e2fsprogs");
    REQUIRE(run_command("truncate -s " + std::to_string(megabytes) + "M '" + image +
                        "' && mkfs.ext4 -q -F -m 0 -b 4096 '" + image + "'"));
    if (run_command("mount -o loop '" + image + "' '" + directory_.string() + "' 2>/dev/null")) {
        return true;
    }
    MESSAGE("no loop device can be used here: on tmpfs instead of ext4");
    return false;
}

std::uint64_t SmallDisk::free_bytes() const {
    const auto info = usage_of(directory_);
    return info.f_bavail * info.f_frsize;
}

std::uint64_t SmallDisk::total_bytes() const {
    const auto info = usage_of(directory_);
    return info.f_blocks * info.f_frsize;
}

void SmallDisk::take_all_inodes() const {
    const auto info = usage_of(directory_);
    const std::string inodes = "nr_inodes=" + std::to_string(info.f_files - info.f_ffree);
    REQUIRE(::mount("tmpfs", directory_.c_str(), "tmpfs", MS_REMOUNT, inodes.c_str()) == 0);
}

void SmallDisk::leave_free(std::uint64_t bytes) const {
    const std::string path = (directory_ / "ballast").string();
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const off_t size = ::lseek(fd, 0, SEEK_END);
    const off_t wanted =
        std::max<off_t>(0, size + static_cast<off_t>(free_bytes()) - static_cast<off_t>(bytes));
    const int error = wanted > size ? ::posix_fallocate(fd, size, wanted - size) : ::ftruncate(fd, wanted);
    CHECK((error == 0 || (error == ENOSPC && bytes == 0)));
    // The file's own bookkeeping takes some of it: the rest goes block by block.
    const std::string block(4096, 'b');
    while (bytes == 0 && ::write(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
}

}  // namespace mistamover::test
