// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/deletion_look.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

#include "disk_space/file_facts.hpp"
#include "files/file_system_kind.hpp"

namespace mistamover::disk_space {
namespace {

constexpr std::size_t entries_at_once = 32;  // between two looks at the time

}  // namespace

Use use_of(int directory_fd, const std::string& name) {
    const process::UniqueFd file(
        ::openat(directory_fd, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) {
        return errno == ELOOP    ? Use::none  // a link is never open
               : errno == ENOENT ? Use::gone
                                 : Use::unknown;
    }
    const files::FileSystemKind kind = files::file_system_kind(file.get());
    if (::fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0) {
        return errno == EAGAIN && kind != files::FileSystemKind::delegating ? Use::open : Use::unknown;
    }
    ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return kind == files::FileSystemKind::local ? Use::none
                                                : Use::unknown;  // other hosts have it open unseen
}

bool is_long_unchanged(std::int64_t changed_ns, std::int64_t at_ns) {
    constexpr std::int64_t long_enough = 5'000'000'000;
    return at_ns - changed_ns >= long_enough;
}

// Where the kernel does not tell who has a file open, one that has not changed for a while is taken for one
// that nobody writes.
bool allows_deletion(Use use, std::int64_t changed_ns) {
    return use == Use::none || (use == Use::unknown && is_long_unchanged(changed_ns, now_in_ns()));
}

std::int64_t last_change_ns(const struct stat& info) {
    return std::max(in_ns(info.st_ctim), in_ns(info.st_mtim));
}

process::UniqueFd open_inside(int directory_fd, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    return process::UniqueFd(
        static_cast<int>(::syscall(SYS_openat2, directory_fd, name.c_str(), &how, sizeof how)));
}

TreeLook::TreeLook(int directory_fd, const std::string& name) {
    try {
        enter(directory_fd, name);
    } catch (const std::system_error&) {
        gain_.reset();
    }
}

bool TreeLook::go_on(const TimeLeft& time_left) {
    try {
        for (std::size_t seen = 1; gain_ && !path_.empty(); ++seen) {
            look_at_next();
            if (seen % entries_at_once == 0 && !time_left()) {
                return false;
            }
        }
    } catch (const std::system_error&) {
        gain_.reset();
    }
    path_.clear();
    return true;
}

void TreeLook::look_at_next() {
    const std::optional<std::string> name = path_.back().next();
    if (!name) {
        path_.pop_back();
        return;
    }
    const int directory_fd = path_.back().fd();
    struct stat info {};
    if (::fstatat(directory_fd, name->c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        note_failure(errno);
    } else if (S_ISDIR(info.st_mode)) {
        enter(directory_fd, *name);
    } else {
        look_at_file(directory_fd, *name, info);
    }
}

void TreeLook::look_at_file(int directory_fd, const std::string& name, const struct stat& info) {
    const Use use = use_of(directory_fd, name);
    if (use == Use::gone) {
        note_failure(ENOENT);
    } else if (!allows_deletion(use, last_change_ns(info))) {
        gain_.reset();
    } else if (info.st_nlink == 1) {
        add(info);
    }
}

void TreeLook::enter(int directory_fd, const std::string& name) {
    struct stat info {};
    const process::UniqueFd inside = open_inside(directory_fd, name);
    if (!inside.valid() || ::fstat(inside.get(), &info) != 0) {
        note_failure(errno);
        return;
    }
    add(info);
    path_.emplace_back(inside.get(), ".", name);
}

// What has vanished forbids nothing, for it is not deleted.
void TreeLook::note_failure(int error) {
    if (error == ENOENT) {
        has_changed_ = true;
    } else {
        gain_.reset();
    }
}

void TreeLook::add(const struct stat& info) {
    gain_->bytes += bytes_on_disk(info);
    ++gain_->inodes;
}

}  // namespace mistamover::disk_space
