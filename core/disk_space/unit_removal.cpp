// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_removal.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/directory_names.hpp"
#include "files/rename_no_replace.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::disk_space {
namespace {

constexpr std::string_view deleting = ".mistamover-deleting-";
constexpr std::size_t longest_name = 255;
constexpr std::uint64_t block_bytes = 512;  // the unit of st_blocks

process::UniqueFd open_inside(int directory_fd, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    return process::UniqueFd(
        static_cast<int>(::syscall(SYS_openat2, directory_fd, name.c_str(), &how, sizeof how)));
}

std::string dot_name_of(const std::string& name) {
    return std::string(deleting) + name.substr(0, longest_name - deleting.size());
}

bool is_as_planned(const struct stat& info, const Unit& unit) {
    return info.st_ino == unit.inode && S_ISDIR(info.st_mode) == unit.directory;
}

std::int64_t ctime_ns(const struct stat& info) {
    return std::int64_t{info.st_ctim.tv_sec} * 1'000'000'000 + info.st_ctim.tv_nsec;
}

// Adds up what the entries of an open directory would free; false where one of them forbids it.
bool add_gain_of_entries(int directory_fd, Gain& gain) {
    for (const std::string& name : files::directory_names(directory_fd, ".", "a directory")) {
        struct stat info {};
        if (::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            return false;
        }
        if (S_ISDIR(info.st_mode)) {
            const process::UniqueFd inside = open_inside(directory_fd, name);
            if (!inside.valid() || !add_gain_of_entries(inside.get(), gain)) {
                return false;
            }
        } else if (in_use(directory_fd, name)) {
            return false;
        }
        if (S_ISDIR(info.st_mode) || info.st_nlink == 1) {
            gain.bytes += static_cast<std::uint64_t>(info.st_blocks) * block_bytes;
            ++gain.inodes;
        }
    }
    return true;
}

void remove_tree(int directory_fd, const std::string& name) {
    if (::unlinkat(directory_fd, name.c_str(), 0) == 0) {
        return;
    }
    if (errno != EISDIR && errno != EPERM) {
        process::throw_errno("cannot delete " + name);
    }
    {
        const process::UniqueFd inside = open_inside(directory_fd, name);
        if (!inside.valid()) {
            process::throw_errno("cannot delete " + name);
        }
        for (const std::string& entry : files::directory_names(inside.get(), ".", name)) {
            remove_tree(inside.get(), entry);
        }
    }
    if (::unlinkat(directory_fd, name.c_str(), AT_REMOVEDIR) != 0) {
        process::throw_errno("cannot delete " + name);
    }
}

}  // namespace

bool in_use(int directory_fd, const std::string& name) {
    const process::UniqueFd file(
        ::openat(directory_fd, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid() || ::fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0) {
        return file.valid() && errno == EAGAIN;
    }
    ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return false;
}

std::optional<Gain> gain_of_tree(int directory_fd, const std::string& name) {
    struct stat info {};
    const process::UniqueFd inside = open_inside(directory_fd, name);
    Gain gain;
    try {
        if (!inside.valid() || ::fstat(inside.get(), &info) != 0 ||
            !add_gain_of_entries(inside.get(), gain)) {
            return std::nullopt;
        }
    } catch (const std::system_error&) {
        return std::nullopt;
    }
    gain.bytes += static_cast<std::uint64_t>(info.st_blocks) * block_bytes;
    ++gain.inodes;
    return gain;
}

bool remove_unit(int directory_fd, const Unit& unit, const std::function<void()>& about_to) {
    struct stat info {};
    if (::fstatat(directory_fd, unit.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_as_planned(info, unit) || ctime_ns(info) != unit.ctime_ns ||
        (unit.directory ? !gain_of_tree(directory_fd, unit.name) : in_use(directory_fd, unit.name))) {
        return false;
    }
    const files::RenameEnd own{directory_fd, unit.name};
    const files::RenameEnd aside{directory_fd, dot_name_of(unit.name)};
    if (const int error = files::rename_no_replace(own, aside); error != 0) {
        errno = error;
        process::throw_errno("cannot delete " + unit.name);
    }
    if (::fstatat(directory_fd, aside.path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_as_planned(info, unit)) {
        if (const int error = files::rename_no_replace(aside, own); error != 0) {
            errno = error;
            process::throw_errno("cannot give back the name of " + unit.name);
        }
        return false;
    }
    about_to();
    remove_tree(directory_fd, aside.path);
    return true;
}

std::vector<std::string> deletions_begun(int directory_fd, const std::string& path) {
    std::vector<std::string> begun = files::directory_names(directory_fd, ".", path);
    std::erase_if(begun, [](const std::string& name) { return !name.starts_with(deleting); });
    return begun;
}

Gain remove_begun(int directory_fd, const std::string& dot_name) {
    struct stat info {};
    Gain gain;
    if (::fstatat(directory_fd, dot_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
        gain = S_ISDIR(info.st_mode) ? gain_of_tree(directory_fd, dot_name).value_or(Gain{})
                                     : Gain{static_cast<std::uint64_t>(info.st_blocks) * block_bytes, 1};
    }
    remove_tree(directory_fd, dot_name);
    return gain;
}

std::string name_before(const std::string& dot_name) {
    return dot_name.substr(deleting.size());
}

}  // namespace mistamover::disk_space
