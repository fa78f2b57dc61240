// SPDX-License-Identifier: BSD-3-Clause
#include "stream/deletability.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/capability.h>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mistamover::stream {
namespace {

// True for root, and for who was given that power alone.
bool may_delete_for_others() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> have{};
    return ::syscall(SYS_capget, &header, have.data()) == 0 &&
           (have[CAP_TO_INDEX(CAP_FOWNER)].effective & CAP_TO_MASK(CAP_FOWNER)) != 0;
}

// In a directory like /tmp only its owner may rename or delete a file.
bool is_kept_by_sticky_bit(int directory_fd, const std::string& name) {
    struct stat directory = {};
    struct stat unit = {};
    return ::fstat(directory_fd, &directory) == 0 && (directory.st_mode & S_ISVTX) != 0 &&
           ::fstatat(directory_fd, name.c_str(), &unit, AT_SYMLINK_NOFOLLOW) == 0 &&
           unit.st_uid != ::geteuid() && directory.st_uid != ::geteuid() && !may_delete_for_others();
}

}  // namespace

// Better known before the first has gone.
int refuses_deletion(int directory_fd, const Manifest& manifest) {
    for (std::size_t i = 0; i + 1 < manifest.entries.size(); ++i) {
        const std::string& path = manifest.entries[i].path;
        if (manifest.entries[i].identity.kind == EntryKind::directory &&
            manifest.entries[i + 1].path.starts_with(path + '/') &&
            ::faccessat(directory_fd, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
            return errno;
        }
    }
    return 0;
}

// To be moved elsewhere, a directory itself must be writable.
int refuses_removal(int directory_fd, const Manifest& manifest) {
    const ManifestEntry& unit = manifest.entries.front();
    if (is_kept_by_sticky_bit(directory_fd, unit.path)) {
        return EPERM;
    }
    if (unit.identity.kind == EntryKind::directory &&
        ::faccessat(directory_fd, unit.path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        return errno;
    }
    return refuses_deletion(directory_fd, manifest);
}

}  // namespace mistamover::stream
