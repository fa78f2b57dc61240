// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_removal.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "disk_space/deletion_look.hpp"
#include "disk_space/file_facts.hpp"
#include "files/directory_names.hpp"
#include "files/handshake_name.hpp"
#include "files/rename_no_replace.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::disk_space {
namespace {

constexpr std::string_view looking = ".mistamover-looking-";
constexpr std::string_view deleting = ".mistamover-deleting-";

std::string dot_name(std::string_view beginning, const Unit& unit) {
    const std::string whole = std::string(beginning) + std::to_string(unit.inode) + '-' + unit.name;
    return whole.substr(0, files::longest_name);
}

// Nothing where the name is of another form than those that dot_name() gives.
std::optional<BegunDeletion> begun_deletion(const std::string& dot_name) {
    BegunDeletion begun;
    begun.decided = dot_name.starts_with(deleting);
    if (!begun.decided && !dot_name.starts_with(looking)) {
        return std::nullopt;
    }
    const char* const first = dot_name.data() + (begun.decided ? deleting : looking).size();
    const char* const last = dot_name.data() + dot_name.size();
    const auto [end, error] = std::from_chars(first, last, begun.inode);
    if (error != std::errc{} || last - end < 2 || *end != '-' || (*first == '0' && end != first + 1)) {
        return std::nullopt;
    }
    begun.dot_name = dot_name;
    begun.name.assign(end + 1, last);
    begun.whole_name = dot_name.size() < files::longest_name;
    return begun;
}

bool is_as_planned(const struct stat& info, const Unit& unit) {
    return info.st_ino == unit.inode && S_ISDIR(info.st_mode) == unit.directory;
}

// What to delete it gives back.
std::uint64_t bytes_of(int directory_fd, const std::string& name) {
    struct stat info {};
    const bool is_known = ::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    return is_known && (info.st_nlink == 1 || S_ISDIR(info.st_mode)) ? bytes_on_disk(info) : 0;
}

// Gives how many bytes that were.
std::uint64_t remove_tree(int directory_fd, const std::string& name, const std::function<bool()>& go_on) {
    std::uint64_t bytes = bytes_of(directory_fd, name);
    if (::unlinkat(directory_fd, name.c_str(), 0) == 0) {
        return bytes;
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
            bytes += remove_tree(inside.get(), entry, go_on);
        }
    }
    if (::unlinkat(directory_fd, name.c_str(), AT_REMOVEDIR) != 0) {
        process::throw_errno("cannot delete " + name);
    }
    return bytes;
}

bool tree_may_go(int directory_fd, const std::string& name, const std::function<bool()>& go_on) {
    TreeLook look(directory_fd, name);
    return look.go_on(go_on) && look.gain().has_value() && !look.has_changed();
}

// The look at the unit under its dot-name: by the renaming alone its ctime is another.
bool may_go_from_aside(int directory_fd, const std::string& name, const Unit& unit,
                       const std::function<bool()>& go_on) {
    struct stat info {};
    if (::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_as_planned(info, unit)) {
        return false;
    }
    return unit.directory ? tree_may_go(directory_fd, name, go_on)
                          : allows_deletion(use_of(directory_fd, name), in_ns(info.st_mtim));
}

bool may_go(int directory_fd, const Unit& unit, const std::function<bool()>& go_on) {
    struct stat info {};
    if (::fstatat(directory_fd, unit.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_as_planned(info, unit) || in_ns(info.st_ctim) != unit.ctime_ns) {
        return false;
    }
    return unit.directory ? tree_may_go(directory_fd, unit.name, go_on)
                          : allows_deletion(use_of(directory_fd, unit.name), last_change_ns(info));
}

void set_aside(int directory_fd, const Unit& unit, const std::string& from, const std::string& to) {
    if (const int error = files::set_aside({directory_fd, from}, {directory_fd, to}); error != 0) {
        errno = error;
        process::throw_errno("cannot delete " + unit.name);
    }
}

void give_back(int directory_fd, const Unit& unit, const std::string& aside) {
    const int error = files::rename_no_replace({directory_fd, aside}, {directory_fd, unit.name});
    if (error != 0) {
        errno = error;
        process::throw_errno("cannot give back the name of " + unit.name + ", which is called " + aside +
                             " now");
    }
}

}  // namespace

std::string looking_name(const Unit& unit) {
    return dot_name(looking, unit);
}

std::string deleting_name(const Unit& unit) {
    return dot_name(deleting, unit);
}

bool remove_unit(int directory_fd, const Unit& unit, const std::function<void()>& about_to,
                 const std::function<bool()>& go_on) {
    if (!may_go(directory_fd, unit, go_on)) {
        return false;
    }
    set_aside(directory_fd, unit, unit.name, looking_name(unit));
    return remove_from_aside(directory_fd, unit, about_to, go_on);
}

bool remove_from_aside(int directory_fd, const Unit& unit, const std::function<void()>& about_to,
                       const std::function<bool()>& go_on) {
    const std::string aside = looking_name(unit);
    if (!may_go_from_aside(directory_fd, aside, unit, go_on) || !go_on()) {
        give_back(directory_fd, unit, aside);
        return false;
    }
    try {
        if (!unit.directory) {
            about_to();
            remove_tree(directory_fd, aside, go_on);
            return true;
        }
        set_aside(directory_fd, unit, aside, deleting_name(unit));
    } catch (const std::system_error&) {
        give_back(directory_fd, unit, aside);  // it is whole
        throw;
    }
    about_to();
    remove_tree(directory_fd, deleting_name(unit), go_on);
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
    const bool is_rest = begun.decided && S_ISDIR(info.st_mode);
    if (is_rest && info.st_ino == begun.inode) {
        return {BegunEnd::How::deleted, remove_tree(directory_fd, begun.dot_name, go_on)};
    }
    if (is_rest || !begun.whole_name) {
        return {BegunEnd::How::left};
    }
    const int error = files::rename_no_replace({directory_fd, begun.dot_name}, {directory_fd, begun.name});
    if (error != 0 && error != EEXIST) {
        errno = error;
        process::throw_errno("cannot give back the name of " + begun.name);
    }
    return {error == 0 ? BegunEnd::How::given_back : BegunEnd::How::left};
}

}  // namespace mistamover::disk_space
