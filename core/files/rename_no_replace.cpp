// SPDX-License-Identifier: BSD-3-Clause
#include "files/rename_no_replace.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mistamover::files {
namespace {

// False where the file system cannot do it in one call; else `error` is how it ended, 0 where it did.
bool renamed_in_one(const RenameEnd& from, const RenameEnd& to, int& error) {
    const bool done = ::renameat2(from.directory_fd, from.path.c_str(), to.directory_fd, to.path.c_str(),
                                  RENAME_NOREPLACE) == 0;
    error = done ? 0 : errno;
    return error != EINVAL && error != ENOSYS;
}

int look_and_rename(const RenameEnd& from, const RenameEnd& to) {
    struct stat info {};
    if (::fstatat(to.directory_fd, to.path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
        return EEXIST;
    }
    if (errno != ENOENT) {
        return errno;
    }
    return ::renameat(from.directory_fd, from.path.c_str(), to.directory_fd, to.path.c_str()) == 0 ? 0
                                                                                                   : errno;
}

}  // namespace

int rename_no_replace(const RenameEnd& from, const RenameEnd& to) {
    int error = 0;
    return renamed_in_one(from, to, error) ? error : rename_in_steps(from, to);
}

int set_aside(const RenameEnd& from, const RenameEnd& to) {
    int error = 0;
    return renamed_in_one(from, to, error) ? error : set_aside_in_steps(from, to);
}

int set_aside_in_steps(const RenameEnd& from, const RenameEnd& to) {
    return look_and_rename(from, to);
}

int rename_in_steps(const RenameEnd& from, const RenameEnd& to) {
    // A link fails where the name is taken. A directory has none, and neither have all file systems.
    if (::linkat(from.directory_fd, from.path.c_str(), to.directory_fd, to.path.c_str(), 0) == 0) {
        return ::unlinkat(from.directory_fd, from.path.c_str(), 0) == 0 ? 0 : errno;
    }
    if (errno != EPERM && errno != EOPNOTSUPP) {
        return errno;
    }
    return look_and_rename(from, to);
}

}  // namespace mistamover::files
