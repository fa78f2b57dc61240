// SPDX-License-Identifier: BSD-3-Clause
#include "local/tree.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

#include <mistamover/transfer_module.hpp>

namespace mistamover::local {
namespace {

[[noreturn]] void fail_to_enter(int error_number, const std::string& path, const std::string& what) {
    const std::string directory = what + " " + path;
    switch (error_number) {
        case ENOENT:
            throw StatusError({StatusCode::not_found, StatusScope::session,
                               directory + " does not exist: create it or mount its disk", error_number});
        case ENOTDIR:
            throw StatusError({StatusCode::not_found, StatusScope::session,
                               directory + " is not a directory: put one in its place", error_number});
        case EACCES:
            throw StatusError({StatusCode::permission, StatusScope::session,
                               directory + " may not be entered: give this user the right to", error_number});
        default:
            throw StatusError({StatusCode::unreachable, StatusScope::session,
                               directory + " cannot be opened: " + text_of(error_number), error_number});
    }
}

constexpr int directory_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

std::string text_of(int error_number) {
    return std::strerror(error_number);  // NOLINT(concurrency-mt-unsafe): glibc's is thread-safe
}

SplitPath split_path(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return {{}, path};
    }
    return {path.substr(0, slash), path.substr(slash + 1)};
}

Tree::Tree(std::string_view root, std::string_view what)
    : path_(root), what_(what), root_(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    struct stat found = {};
    if (!root_.valid() || ::fstat(root_.get(), &found) != 0) {
        fail_to_enter(errno, path_, what_);
    }
    device_ = found.st_dev;
    inode_ = found.st_ino;
}

void Tree::check_still_there() const {
    struct stat found = {};
    if (::stat(path_.c_str(), &found) != 0) {
        fail_to_enter(errno, path_, what_);
    }
    if (found.st_dev != device_ || found.st_ino != inode_) {
        throw StatusError(
            {StatusCode::unreachable, StatusScope::session,
             what_ + " " + path_ + " is another directory than before: was a disk mounted or unmounted?"});
    }
}

void Tree::forget() {
    open_path_.clear();
    open_directory_ = FileDescriptor();
}

int Tree::directory(std::string_view path) {
    if (path.empty()) {
        return root_.get();
    }
    if (open_directory_.valid() && path == open_path_) {
        return open_directory_.get();
    }
    forget();
    FileDescriptor reached;
    std::string component;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        component = path.substr(begin, end - begin);
        begin = end + 1;
        if (component.empty() || component == ".") {
            continue;
        }
        if (component == "..") {
            errno = EINVAL;
            return -1;
        }
        const int from = reached.valid() ? reached.get() : root_.get();
        FileDescriptor next(::openat(from, component.c_str(), directory_flags));
        if (!next.valid()) {
            return -1;
        }
        reached = std::move(next);
    }
    if (!reached.valid()) {
        return root_.get();
    }
    open_path_ = path;
    open_directory_ = std::move(reached);
    return open_directory_.get();
}

Place Tree::place(std::string_view path) {
    const SplitPath parts = split_path(path);
    name_ = parts.name;
    if (name_ == "..") {
        errno = EINVAL;
        return {};
    }
    if (name_.empty()) {
        name_ = ".";
    }
    return {directory(parts.directory), name_.c_str()};
}

FileDescriptor Tree::open(std::string_view path, int flags) {
    const Place at = place(path);
    return FileDescriptor(at.directory < 0 ? -1
                                           : ::openat(at.directory, at.name, flags | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace mistamover::local
