// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <mistamover/source_file.hpp>
#include <mistamover/transfer_module.hpp>

namespace mistamover {
namespace {

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

int open_for_reading(int root, const char* path) {
    // Non-blocking, for a FIFO that has taken the file's name.
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
    const int file = ::openat(root, path, flags | O_NOATIME);
    // Only a file's owner may read without a trace.
    return file >= 0 || errno != EPERM ? file : ::openat(root, path, flags);
}

/// Of the file system that holds the sources: its device or its server has gone. ENXIO is a socket that has
/// taken the file's name.
bool is_of_all_sources(int error_number) {
    return error_number == ENODEV || error_number == ENOTCONN || error_number == EHOSTDOWN ||
           error_number == EHOSTUNREACH || error_number == ETIMEDOUT;
}

}  // namespace

Status source_failure(int error_number, std::string_view doing, std::string_view path) {
    std::string what(doing);
    what += " source ";
    what += path;
    const bool is_gone =
        error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP || error_number == ENXIO;
    if (is_gone) {
        return {StatusCode::source_changed, StatusScope::item,
                what + ": " + std::generic_category().message(error_number), error_number};
    }
    const Status status = status_from_errno(error_number, what);
    return is_of_all_sources(error_number) ? status.of_session() : status;
}

Status source_changed(std::string_view path) {
    return {StatusCode::source_changed, StatusScope::item,
            "the source changed while it was being sent: " + std::string(path)};
}

bool is_the_item(const struct stat& found, const PutItem& item) {
    const bool same_kind = item.kind == EntryKind::symlink ? S_ISLNK(found.st_mode) : S_ISREG(found.st_mode);
    return same_kind && found.st_dev == item.device && found.st_ino == item.inode &&
           static_cast<std::uint64_t>(found.st_size) == item.size &&
           nanoseconds(found.st_mtim) == item.mtime_ns;
}

bool is_unchanged(const struct stat& before, const struct stat& now) {
    return before.st_size == now.st_size && nanoseconds(before.st_mtim) == nanoseconds(now.st_mtim) &&
           nanoseconds(before.st_ctim) == nanoseconds(now.st_ctim);
}

std::string read_source_link(int directory, const char* name, const PutItem& item, struct stat& found) {
    struct stat after = {};
    std::array<char, PATH_MAX> content{};
    if (::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        throw StatusError(source_failure(errno, "look at", item.path));
    }
    if (!is_the_item(found, item)) {
        throw StatusError(source_changed(item.path));
    }
    const ssize_t length = ::readlinkat(directory, name, content.data(), content.size());
    if (length < 0 || ::fstatat(directory, name, &after, AT_SYMLINK_NOFOLLOW) != 0) {
        throw StatusError(source_failure(errno, "read", item.path));
    }
    if (!is_the_item(after, item) || !is_unchanged(found, after)) {
        throw StatusError(source_changed(item.path));
    }
    return {content.data(), static_cast<std::size_t>(length)};
}

SourceRoot::SourceRoot(std::string_view path)
    : descriptor_(::open(std::string(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
        const Status status = status_from_errno(errno, "open " + std::string(path));
        throw StatusError({status.code(), StatusScope::session, status.text(), status.protocol_code()});
    }
}

SourceRoot::~SourceRoot() {
    ::close(descriptor_);
}

std::string SourceRoot::read_link(const PutItem& item) const {
    struct stat found = {};
    return read_source_link(descriptor_, std::string(item.path).c_str(), item, found);
}

SourceFile::SourceFile(const SourceRoot& root, const PutItem& item) : path_(item.path) {
    descriptor_ = open_for_reading(root.descriptor(), path_.c_str());
    if (descriptor_ < 0) {
        throw StatusError(source_failure(errno, "open", path_));
    }
    if (::fstat(descriptor_, &found_) != 0 || !is_the_item(found_, item)) {
        ::close(descriptor_);
        throw StatusError(source_changed(path_));
    }
}

SourceFile::~SourceFile() {
    ::close(descriptor_);
}

Status SourceFile::read(std::uint64_t offset, char* to, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size) {
        const ssize_t got =
            ::pread(descriptor_, to + filled, size - filled, static_cast<off_t>(offset + filled));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            const int error = errno;
            std::memset(to + filled, 0, size - filled);
            return got == 0 ? source_changed(path_) : source_failure(error, "read", path_);
        }
        filled += static_cast<std::size_t>(got);
    }
    return {};
}

Status SourceFile::check_unchanged() const {
    struct stat now = {};
    if (::fstat(descriptor_, &now) != 0) {
        return source_failure(errno, "look at", path_);
    }
    return is_unchanged(found_, now) ? Status{} : source_changed(path_);
}

std::string SourceFile::identity() const {
    std::string text;
    for (const std::uint64_t number :
         {std::uint64_t{found_.st_dev}, std::uint64_t{found_.st_ino},
          static_cast<std::uint64_t>(found_.st_size), static_cast<std::uint64_t>(nanoseconds(found_.st_mtim)),
          static_cast<std::uint64_t>(nanoseconds(found_.st_ctim))}) {
        text += std::to_string(number) + '/';
    }
    return text;
}

}  // namespace mistamover
