// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_removal.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
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
constexpr std::int64_t second_ns = 1'000'000'000;

process::UniqueFd open_inside(int directory_fd, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    return process::UniqueFd(
        static_cast<int>(::syscall(SYS_openat2, directory_fd, name.c_str(), &how, sizeof how)));
}

// Nothing where the name is of another form than those that dot_name_of() gives.
std::optional<BegunDeletion> begun_deletion(const std::string& dot_name) {
    if (!dot_name.starts_with(deleting)) {
        return std::nullopt;
    }
    BegunDeletion begun;
    const char* const first = dot_name.data() + deleting.size();
    const char* const last = dot_name.data() + dot_name.size();
    const auto [end, error] = std::from_chars(first, last, begun.inode);
    if (error != std::errc{} || last - end < 2 || *end != '-' || (*first == '0' && end != first + 1)) {
        return std::nullopt;
    }
    begun.dot_name = dot_name;
    begun.name.assign(end + 1, last);
    begun.whole_name = dot_name.size() < longest_name;
    return begun;
}

bool is_as_planned(const struct stat& info, const Unit& unit) {
    return info.st_ino == unit.inode && S_ISDIR(info.st_mode) == unit.directory;
}

std::int64_t in_ns(const timespec& time) {
    return std::int64_t{time.tv_sec} * second_ns + time.tv_nsec;
}

std::int64_t now_in_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return in_ns(now);
}

// Where the kernel does not tell who has a file open, one that has not changed for a while is taken for one
// that nobody writes.
bool may_be_deleted(int directory_fd, const std::string& name, std::int64_t changed_ns) {
    const Use use = use_of(directory_fd, name);
    return use == Use::none || (use == Use::unknown && is_long_unchanged(changed_ns, now_in_ns()));
}

std::int64_t last_change_ns(const struct stat& info) {
    return std::max(in_ns(info.st_ctim), in_ns(info.st_mtim));
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
        } else if (!may_be_deleted(directory_fd, name, last_change_ns(info))) {
            return false;
        }
        if (S_ISDIR(info.st_mode) || info.st_nlink == 1) {
            gain.bytes += static_cast<std::uint64_t>(info.st_blocks) * block_bytes;
            ++gain.inodes;
        }
    }
    return true;
}

void remove_tree(int directory_fd, const std::string& name, const std::function<bool()>& go_on) {
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
            if (!go_on()) {
                errno = ECANCELED;
                process::throw_errno("the rest of " + name + " is deleted later");
            }
            remove_tree(inside.get(), entry, go_on);
        }
    }
    if (::unlinkat(directory_fd, name.c_str(), AT_REMOVEDIR) != 0) {
        process::throw_errno("cannot delete " + name);
    }
}

// The look at the unit under its dot-name: by the renaming alone its ctime is another.
bool may_go_from_aside(int directory_fd, const std::string& name, const Unit& unit) {
    struct stat info {};
    if (::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_as_planned(info, unit)) {
        return false;
    }
    return unit.directory ? gain_of_tree(directory_fd, name).has_value()
                          : may_be_deleted(directory_fd, name, in_ns(info.st_mtim));
}

bool may_go(int directory_fd, const Unit& unit) {
    struct stat info {};
    if (::fstatat(directory_fd, unit.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_as_planned(info, unit) || in_ns(info.st_ctim) != unit.ctime_ns) {
        return false;
    }
    return unit.directory ? gain_of_tree(directory_fd, unit.name).has_value()
                          : may_be_deleted(directory_fd, unit.name, last_change_ns(info));
}

}  // namespace

Use use_of(int directory_fd, const std::string& name) {
    const process::UniqueFd file(
        ::openat(directory_fd, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) {
        return errno == ELOOP ? Use::none : Use::unknown;  // a link is never open
    }
    if (::fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0) {
        return errno == EAGAIN ? Use::open : Use::unknown;
    }
    ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return Use::none;
}

bool is_long_unchanged(std::int64_t changed_ns, std::int64_t at_ns) {
    constexpr std::int64_t long_enough = 5 * second_ns;
    return at_ns - changed_ns >= long_enough;
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

std::string dot_name_of(const Unit& unit) {
    const std::string whole = std::string(deleting) + std::to_string(unit.inode) + '-' + unit.name;
    return whole.substr(0, longest_name);
}

bool remove_unit(int directory_fd, const Unit& unit, const std::function<void()>& about_to,
                 const std::function<bool()>& go_on) {
    if (!may_go(directory_fd, unit)) {
        return false;
    }
    const int error = files::set_aside({directory_fd, unit.name}, {directory_fd, dot_name_of(unit)});
    if (error != 0) {
        errno = error;
        process::throw_errno("cannot delete " + unit.name);
    }
    return remove_from_aside(directory_fd, unit, about_to, go_on);
}

bool remove_from_aside(int directory_fd, const Unit& unit, const std::function<void()>& about_to,
                       const std::function<bool()>& go_on) {
    const files::RenameEnd own{directory_fd, unit.name};
    const files::RenameEnd aside{directory_fd, dot_name_of(unit)};
    if (!may_go_from_aside(directory_fd, aside.path, unit) || !go_on()) {
        if (const int error = files::rename_no_replace(aside, own); error != 0) {
            errno = error;
            process::throw_errno("cannot give back the name of " + unit.name);
        }
        return false;
    }
    about_to();
    remove_tree(directory_fd, aside.path, go_on);
    return true;
}

std::vector<BegunDeletion> deletions_begun(int directory_fd, const std::string& path) {
    std::vector<BegunDeletion> all;
    for (const std::string& name : files::directory_names(directory_fd, ".", path)) {
        if (std::optional<BegunDeletion> begun = begun_deletion(name)) {
            all.push_back(std::move(*begun));
        }
    }
    return all;
}

BegunEnd end_begun(int directory_fd, const BegunDeletion& begun, const std::function<bool()>& go_on) {
    struct stat info {};
    if (::fstatat(directory_fd, begun.dot_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        process::throw_errno(begun.dot_name);
    }
    if (info.st_ino == begun.inode) {
        remove_tree(directory_fd, begun.dot_name, go_on);
        return BegunEnd::deleted;
    }
    if (!begun.whole_name) {
        return BegunEnd::left;
    }
    const int error = files::rename_no_replace({directory_fd, begun.dot_name}, {directory_fd, begun.name});
    if (error != 0 && error != EEXIST) {
        errno = error;
        process::throw_errno("cannot give back the name of " + begun.name);
    }
    return error == 0 ? BegunEnd::given_back : BegunEnd::left;
}

}  // namespace mistamover::disk_space
