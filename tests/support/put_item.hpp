// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

#include <mistamover/transfer_module.hpp>

namespace mistamover::test {

/// The item of a put that `path` below `root` is, as it lies there. Views `path`, which must outlive it.
inline PutItem put_item(const std::filesystem::path& root, std::string_view path) {
    struct stat found = {};
    if (::lstat((root / path).c_str(), &found) != 0) {
        throw std::system_error(errno, std::generic_category(), (root / path).string());
    }
    constexpr std::int64_t nanoseconds_in_second = 1'000'000'000;
    constexpr mode_t permission_bits = 07777;
    PutItem item;
    item.path = path;
    item.size = static_cast<std::uint64_t>(found.st_size);
    item.mtime_ns = found.st_mtim.tv_sec * nanoseconds_in_second + found.st_mtim.tv_nsec;
    item.device = found.st_dev;
    item.inode = found.st_ino;
    item.mode = found.st_mode & permission_bits;
    item.kind = S_ISDIR(found.st_mode)   ? EntryKind::directory
                : S_ISLNK(found.st_mode) ? EntryKind::symlink
                : S_ISREG(found.st_mode) ? EntryKind::file
                                         : EntryKind::other;
    return item;
}

}  // namespace mistamover::test
