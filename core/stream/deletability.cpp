// SPDX-License-Identifier: BSD-3-Clause
#include "stream/deletability.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/capability.h>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

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
bool is_kept_by_sticky_bit(int directory_fd, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
    struct stat directory = {};
    struct stat entry = {};
    return ::fstatat(directory_fd, parent.c_str(), &directory, AT_SYMLINK_NOFOLLOW) == 0 &&
           (directory.st_mode & S_ISVTX) != 0 &&
           ::fstatat(directory_fd, path.c_str(), &entry, AT_SYMLINK_NOFOLLOW) == 0 &&
           entry.st_uid != ::geteuid() && directory.st_uid != ::geteuid() && !may_delete_for_others();
}

// Nobody, not even root, may rename or delete such a file, or what is in such a directory.
bool is_frozen(int directory_fd, const char* path) {
    constexpr std::uint64_t frozen = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
    struct statx info {};
    return ::statx(directory_fd, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE, &info) == 0 &&
           (info.stx_attributes & info.stx_attributes_mask & frozen) != 0;
}

// 0, or the errno.
int refuses_change(int directory_fd, const char* path) {
    if (::faccessat(directory_fd, path, W_OK | X_OK, AT_EACCESS) != 0) {
        return errno;
    }
    return is_frozen(directory_fd, path) ? EPERM : 0;
}

}  // namespace

// Better known before the first has gone.
int refuses_deletion(int directory_fd, const Manifest& manifest) {
    const std::vector<ManifestEntry>& entries = manifest.entries;
    bool any_is_sticky = false;  // of the directories so far, which come before what is in them
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string& path = entries[i].path;
        const EntryKind kind = entries[i].identity.kind;
        if (is_frozen(directory_fd, path.c_str()) ||
            (any_is_sticky && is_kept_by_sticky_bit(directory_fd, path))) {
            return EPERM;
        }
        any_is_sticky =
            any_is_sticky || (kind == EntryKind::directory && (entries[i].identity.mode & S_ISVTX) != 0);
        if (kind != EntryKind::directory || i + 1 == entries.size() ||
            !entries[i + 1].path.starts_with(path + '/')) {
            continue;  // it has no entries
        }
        if (const int error = refuses_change(directory_fd, path.c_str()); error != 0) {
            return error;
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
    if (unit.identity.kind == EntryKind::directory) {
        if (const int error = refuses_change(directory_fd, unit.path.c_str()); error != 0) {
            return error;
        }
    }
    return refuses_deletion(directory_fd, manifest);
}

int refuses_removals(int directory_fd) {
    return refuses_change(directory_fd, ".");
}

}  // namespace mistamover::stream
