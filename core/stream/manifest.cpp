// SPDX-License-Identifier: BSD-3-Clause
#include "stream/manifest.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "files/directory_names.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"
#include "stream/hard_links.hpp"

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

bool is_in_the_way(Writers writers) {
    return writers == Writers::some || writers == Writers::vanished;
}

timespec time_in(const struct statx_timestamp& time) {
    return {time.tv_sec, time.tv_nsec};
}

// What the server has. What this host remembers of it may be a minute old: a file that grows would be the
// same at two looks.
struct stat ask_server(int directory_fd, const std::string& path) {
    struct statx there {};
    if (::statx(directory_fd, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS,
                &there) != 0) {
        process::throw_errno(path);
    }
    struct stat info {};
    info.st_dev = ::makedev(there.stx_dev_major, there.stx_dev_minor);
    info.st_ino = there.stx_ino;
    info.st_mode = there.stx_mode;
    info.st_size = static_cast<off_t>(there.stx_size);
    info.st_mtim = time_in(there.stx_mtime);
    info.st_ctim = time_in(there.stx_ctime);
    return info;
}

void look(int directory_fd, const std::string& path, WritersAsked asked, Look& result) {
    struct stat info {};
    if (::fstatat(directory_fd, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        process::throw_errno(path);
    }
    const files::FileSystemKind kind = files::file_system_kind(directory_fd, path.c_str(), info.st_dev);
    if (kind != files::FileSystemKind::local) {
        result.remote = true;
        info = ask_server(directory_fd, path);
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
        writers = asked == WritersAsked::none ? Writers::none : writers_of(directory_fd, path.c_str(), kind);
    }
    result.writers = worse(result.writers, writers);
    result.writers_of_entry.push_back(writers);
    result.manifest.entries.push_back({path, identity});
    if (identity.kind == EntryKind::directory) {
        for (const std::string& name : sorted_names(directory_fd, path)) {
            look(directory_fd, path + '/' + name, asked, result);
            if (asked == WritersAsked::until_found && is_in_the_way(result.writers)) {
                return;
            }
        }
    }
}

/// Removes entries of one manifest, one after the other.
class EntryRemover {
  public:
    EntryRemover(int directory_fd, HardLinks& links) : directory_fd_(directory_fd), links_(links) {}

    /// 0, or the errno; ESTALE where it is not what the manifest says.
    int remove(const ManifestEntry& entry, bool is_unit) {
        // The unit's own change time is that of the renaming that has set it aside, where nobody finds it by
        // name.
        const bool is_directory = entry.identity.kind == EntryKind::directory;
        const int error = is_unit || is_directory ? unlink(entry, is_directory) : remove_checked(entry);
        return error == ENOENT ? 0 : error;
    }
    [[nodiscard]] bool some() const noexcept { return some_; }

  private:
    int unlink(const ManifestEntry& entry, bool is_directory) {
        if (::unlinkat(directory_fd_, entry.path.c_str(), is_directory ? AT_REMOVEDIR : 0) != 0) {
            return errno;
        }
        some_ = true;
        return 0;
    }

    int remove_checked(const ManifestEntry& entry) {
        const char* const path = entry.path.c_str();
        struct stat info {};
        if (::fstatat(directory_fd_, path, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            return errno;
        }
        const Identity now = links_.as_sent(identity_of(info), entry.identity);
        const bool is_written =
            now.kind == EntryKind::file &&
            writers_of(directory_fd_, path, files::file_system_kind(directory_fd_, path, now.device)) ==
                Writers::some;
        if (now != entry.identity || is_written) {
            return ESTALE;
        }
        const HardLinks::Removal removal(links_, directory_fd_, path, info);
        const int error = unlink(entry, false);
        if (error == 0) {
            removal.done();
        }
        return error;
    }

    int directory_fd_;
    HardLinks& links_;
    bool some_ = false;
};

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

Writers writers_by_lease(files::FileSystemKind kind, int error) {
    using files::FileSystemKind;
    if (error == 0) {
        return kind == FileSystemKind::local ? Writers::none : Writers::cannot_tell;
    }
    return error == EAGAIN && kind != FileSystemKind::delegating ? Writers::some : Writers::cannot_tell;
}

Writers writers_of(int directory_fd, const char* name, files::FileSystemKind kind) {
    const process::UniqueFd file(
        ::openat(directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
    if (!file.valid()) {
        return errno == ENOENT ? Writers::vanished : Writers::cannot_tell;
    }
    // Closing the file gives the lease back.
    return writers_by_lease(kind, ::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0 ? 0 : errno);
}

Writers writers_of(int directory_fd, const char* name) {
    struct stat info {};
    if (::fstatat(directory_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? Writers::vanished : Writers::cannot_tell;
    }
    return writers_of(directory_fd, name, files::file_system_kind(directory_fd, name, info.st_dev));
}

Look look_at(int directory_fd, const std::string& name, WritersAsked asked) {
    Look result;
    result.begun = std::chrono::steady_clock::now();
    look(directory_fd, name, asked, result);
    result.ended = std::chrono::steady_clock::now();
    return result;
}

bool is_unchanged(int directory_fd, const std::string& name, const Manifest& manifest) {
    try {
        return look_at(directory_fd, name, WritersAsked::none).manifest == manifest;
    } catch (const std::system_error&) {
        return false;  // the next look tells
    }
}

ManifestRemoval remove_manifest(int directory_fd, const Manifest& manifest, HardLinks& links) {
    EntryRemover remover(directory_fd, links);
    int error = 0;
    for (auto entry = manifest.entries.rbegin(); entry != manifest.entries.rend() && error == 0; ++entry) {
        error = remover.remove(*entry, entry + 1 == manifest.entries.rend());
    }
    return {error == 0, remover.some(), error == ESTALE ? 0 : error};
}

}  // namespace mistamover::stream
