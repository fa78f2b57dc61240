// SPDX-License-Identifier: BSD-3-Clause
#include "files/rename_no_replace.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mistamover::files {

int rename_no_replace(const RenameEnd& from, const RenameEnd& to) {
    if (::renameat2(from.directory_fd, from.path.c_str(), to.directory_fd, to.path.c_str(),
                    RENAME_NOREPLACE) == 0) {
        return 0;
    }
    const int error = errno;
    return error == EINVAL || error == ENOSYS ? rename_in_steps(from, to) : error;
}

int rename_in_steps(const RenameEnd& from, const RenameEnd& to) {
    // A link fails where the name is taken. A directory has none, and neither have all file systems.
    if (::linkat(from.directory_fd, from.path.c_str(), to.directory_fd, to.path.c_str(), 0) == 0) {
        return ::unlinkat(from.directory_fd, from.path.c_str(), 0) == 0 ? 0 : errno;
    }
    if (errno != EPERM && errno != EOPNOTSUPP) {
        return errno;
    }
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

}  // namespace mistamover::files
