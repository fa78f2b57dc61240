// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/incoming_directory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "files/directory_names.hpp"
#include "files/file_system_kind.hpp"
#include "process/throw_errno.hpp"

namespace mistamover::arrivals {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

FileIdentity identity_of(const struct stat& info) {
    return {info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim),
            nanoseconds(info.st_ctim), S_ISREG(info.st_mode)};
}

// Of these errors of opening it, the file or its directory is the reason.
bool is_lasting(int error) {
    return error == ENOENT || error == ELOOP || error == ENXIO || error == EACCES || error == EPERM;
}

}  // namespace

Directory::Directory(const std::filesystem::path& path) : path_(path.string()) {
    std::error_code ignored;
    std::filesystem::create_directories(path, ignored);
    fd_.reset(::open(path.c_str(), directory_flags));
    check();
}

Directory::Directory(const Directory& parent, const std::string& name) : path_(parent.path_ + '/' + name) {
    if (::mkdirat(parent.fd(), name.c_str(), 0700) != 0 && errno != EEXIST) {
        process::throw_errno(path_);
    }
    fd_.reset(::openat(parent.fd(), name.c_str(), directory_flags | O_NOFOLLOW));
    check();
}

void Directory::check() {
    struct stat info {};
    if (!fd_.valid() || ::fstat(fd(), &info) != 0) {
        process::throw_errno(path_);
    }
    device_ = info.st_dev;
    struct statx more {};
    if (::statx(fd(), "", AT_EMPTY_PATH, STATX_MNT_ID, &more) == 0 && (more.stx_mask & STATX_MNT_ID) != 0) {
        mount_ = more.stx_mnt_id;
    }
}

bool Directory::is_still_there() const noexcept {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd(), &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool Directory::is_remote() const noexcept {
    return files::file_system_kind(fd()) != files::FileSystemKind::local;
}

bool Directory::is_private() const noexcept {
    struct stat info {};
    return ::fstat(fd(), &info) == 0 && info.st_uid == ::geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::vector<std::string> Directory::names() const {
    return files::directory_names(fd(), ".", path_);
}

std::optional<FileIdentity> Directory::look(const std::string& name) const {
    struct stat info {};
    if (::fstatat(fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return std::nullopt;
    }
    return identity_of(info);
}

Directory::SmallFile Directory::open_small(const std::string& name, std::size_t limit) const {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    const process::UniqueFd file(
        ::openat(fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!file.valid() || ::fstat(file.get(), &info) != 0) {
        const int error = errno;
        return {error == ENOENT ? std::nullopt : look(name), std::nullopt, is_lasting(error) ? 0 : error};
    }
    const FileIdentity identity = identity_of(info);
    if (!identity.is_file) {
        return {identity, std::nullopt};
    }
    std::string content(limit + 1, '\0');
    ssize_t length = -1;
    do {
        length = ::read(file.get(), content.data(), content.size());
    } while (length < 0 && errno == EINTR);
    if (length < 0) {
        return {identity, std::nullopt, errno};
    }
    // Less than the whole, as some file systems give, is read again when it is looked at next.
    if (length != info.st_size || static_cast<std::size_t>(length) > limit) {
        return {identity, std::nullopt};
    }
    content.resize(static_cast<std::size_t>(length));
    return {identity, std::move(content)};
}

bool Directory::write(const std::string& name, const std::string& content) const {
    // Never into what is there, which may be a link.
    const auto create = [&] {
        return ::openat(fd(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    };
    process::UniqueFd file(create());
    if (!file.valid() && errno == EEXIST && remove(name)) {
        file.reset(create());
    }
    std::size_t written = 0;
    while (file.valid() && written < content.size()) {
        const ssize_t done = ::write(file.get(), content.data() + written, content.size() - written);
        if (done < 0 && errno != EINTR) {
            break;
        }
        written += done > 0 ? static_cast<std::size_t>(done) : 0;
    }
    if (!file.valid() || written < content.size()) {
        const int error = errno;
        remove(name);
        errno = error;
        return false;
    }
    return true;
}

bool Directory::remove(const std::string& name) const noexcept {
    return ::unlinkat(fd(), name.c_str(), 0) == 0;
}

std::chrono::milliseconds age_of(const FileIdentity& file) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now -
                                                                 std::chrono::nanoseconds{file.ctime_ns});
}

}  // namespace mistamover::arrivals
