// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/stop_file.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/rename_no_replace.hpp"
#include "files/stop_author.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::disk_space {
namespace {

std::string beside(const std::filesystem::path& path, const char* suffix) {
    return (path.parent_path() / (".mistamover" + path.filename().string() + suffix)).string();
}

std::string new_name(const std::filesystem::path& path) {
    return beside(path, "-new");
}

std::string old_name(const std::filesystem::path& path) {
    return beside(path, "-old");
}

StopSeen look_at(const std::string& path) {
    switch (files::stop_author(AT_FDCWD, path)) {
        case files::StopAuthor::none:
            return StopSeen::absent;
        case files::StopAuthor::disk_space_monitor:
            return StopSeen::own;
        case files::StopAuthor::somebody_else:
            break;
    }
    return StopSeen::foreign;
}

// A file's time on FAT is of an even second.
std::int64_t second_that_every_disk_keeps(std::int64_t now) {
    return now - now % 2;
}

void write_new(const std::string& path, const std::string& content, std::int64_t second) {
    const process::UniqueFd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    const std::array<timespec, 2> times{{{second, 0}, {second, 0}}};
    if (!file.valid() ||
        ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
        ::futimens(file.get(), times.data()) != 0) {
        process::throw_errno(path);
    }
}

void put_back(const std::string& from, const std::string& to) {
    const int error = files::rename_no_replace({AT_FDCWD, from}, {AT_FDCWD, to});
    // Where the name is taken again, the file that has it holds the stream back as well.
    if (error != 0 && (error != EEXIST || ::unlink(from.c_str()) != 0)) {
        errno = error;
        process::throw_errno(to);
    }
}

}  // namespace

StopSeen StopFileAt::look() const {
    return look_at(path_.string());
}

bool StopFileAt::place(const std::string& label, std::int64_t now) const {
    const std::string made = new_name(path_);
    ::unlink(made.c_str());
    struct stat info {};
    if (::stat(path_.parent_path().c_str(), &info) != 0 && errno == ENOENT) {
        return false;
    }
    try {
        const std::int64_t second = second_that_every_disk_keeps(now);
        write_new(made, files::disk_space_stop_text(label, second), second);
    } catch (const std::system_error&) {
        ::unlink(made.c_str());
        throw;
    }
    const int error = files::rename_no_replace({AT_FDCWD, made}, {AT_FDCWD, path_.string()});
    if (error != 0) {
        ::unlink(made.c_str());
        if (error != EEXIST) {
            errno = error;
            process::throw_errno(path_.string());
        }
    }
    return error == 0;
}

bool StopFileAt::remove() const {
    if (look() != StopSeen::own) {
        return false;
    }
    const int error = files::set_aside({AT_FDCWD, path_.string()}, {AT_FDCWD, old_name(path_)});
    if (error == ENOENT) {
        return false;
    }
    if (error != 0) {
        errno = error;
        process::throw_errno(path_.string());
    }
    return remove_from_aside();
}

bool StopFileAt::remove_from_aside() const {
    const std::string aside = old_name(path_);
    if (look_at(aside) == StopSeen::own) {
        if (::unlink(aside.c_str()) != 0) {
            process::throw_errno(aside);
        }
        return true;
    }
    put_back(aside, path_.string());
    return false;
}

void StopFileAt::recover() const {
    ::unlink(new_name(path_).c_str());
    const std::string aside = old_name(path_);
    if (look_at(aside) != StopSeen::absent) {
        put_back(aside, path_.string());
    }
}

}  // namespace mistamover::disk_space
