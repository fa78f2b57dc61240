// SPDX-License-Identifier: BSD-3-Clause
#include "stream/manifest.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "files/directory_names.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::stream {
namespace {

std::vector<std::string> sorted_names(int directory_fd, const std::string& path) {
    std::vector<std::string> names = files::directory_names(directory_fd, path, path);
    std::sort(names.begin(), names.end());
    return names;
}

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Writers worse(Writers a, Writers b) {
    const auto rank = [](Writers w) { return w == Writers::none ? 0 : w == Writers::cannot_tell ? 1 : 2; };
    return rank(a) >= rank(b) ? a : b;
}

void look(int directory_fd, const std::string& path, bool ask_writers, Look& result) {
    struct stat info {};
    if (::fstatat(directory_fd, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        process::throw_errno(path);
    }
    Identity identity = identity_of(info);
    result.newest_change_ns = std::max(result.newest_change_ns, identity.ctime_ns);
    if (identity.kind == EntryKind::directory) {
        identity.size = 0;
        identity.mtime_ns = 0;
        identity.ctime_ns = 0;
    }
    Writers writers = Writers::none;
    if (identity.kind == EntryKind::file) {
        result.manifest.bytes += identity.size;
        writers = ask_writers ? writers_of(directory_fd, path.c_str()) : Writers::none;
    }
    result.writers = worse(result.writers, writers);
    result.writers_of_entry.push_back(writers);
    result.manifest.entries.push_back({path, identity});
    if (identity.kind == EntryKind::directory) {
        for (const std::string& name : sorted_names(directory_fd, path)) {
            look(directory_fd, path + '/' + name, ask_writers, result);
        }
    }
}

// The unit's own change time is that of the renaming that has set it aside, where nobody finds it by name.
bool may_be_removed(int directory_fd, const ManifestEntry& entry, bool is_unit) {
    if (is_unit || entry.identity.kind == EntryKind::directory) {
        return true;
    }
    struct stat info {};
    if (::fstatat(directory_fd, entry.path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT;
    }
    return identity_of(info) == entry.identity &&
           (entry.identity.kind != EntryKind::file ||
            writers_of(directory_fd, entry.path.c_str()) != Writers::some);
}

}  // namespace

Identity identity_of(const struct stat& info) {
    const EntryKind kind = S_ISREG(info.st_mode)   ? EntryKind::file
                           : S_ISDIR(info.st_mode) ? EntryKind::directory
                           : S_ISLNK(info.st_mode) ? EntryKind::symlink
                                                   : EntryKind::other;
    return {info.st_dev,
            info.st_ino,
            static_cast<std::uint64_t>(info.st_size),
            nanoseconds(info.st_mtim),
            nanoseconds(info.st_ctim),
            kind,
            info.st_mode & 07777U};
}

Writers writers_of(int directory_fd, const char* name) {
    const process::UniqueFd file(
        ::openat(directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
    if (!file.valid()) {
        return errno == ENOENT ? Writers::vanished : Writers::cannot_tell;
    }
    // Closing the file gives the lease back.
    if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0) {
        return Writers::none;
    }
    return errno == EAGAIN ? Writers::some : Writers::cannot_tell;
}

Look look_at(int directory_fd, const std::string& name, bool ask_writers) {
    Look result;
    look(directory_fd, name, ask_writers, result);
    return result;
}

bool is_unchanged(int directory_fd, const std::string& name, const Manifest& manifest) {
    try {
        return look_at(directory_fd, name, false).manifest == manifest;
    } catch (const std::system_error&) {
        return false;  // the next look tells
    }
}

bool remove_manifest(int directory_fd, const Manifest& manifest) {
    bool all = true;
    // NOLINTNEXTLINE(modernize-loop-convert): not every compiler that checks this code knows views::reverse
    for (auto entry = manifest.entries.rbegin(); entry != manifest.entries.rend(); ++entry) {
        const int flags = entry->identity.kind == EntryKind::directory ? AT_REMOVEDIR : 0;
        const bool is_unit = entry + 1 == manifest.entries.rend();
        all = may_be_removed(directory_fd, *entry, is_unit) &&
              (::unlinkat(directory_fd, entry->path.c_str(), flags) == 0 || errno == ENOENT) && all;
    }
    return all;
}

}  // namespace mistamover::stream
