// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_lock.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>

#include "process/throw_errno.hpp"

namespace mistamover::process {

namespace {

std::string holds_of(const std::string& work_dir) {
    return (std::filesystem::path(work_dir).parent_path().parent_path() / "holds").string();
}

struct flock lock_of(short type, off_t begin, off_t length) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = begin;
    lock.l_len = length;
    return lock;
}

// The byte that stands for a directory, whatever it is called; none where it is not there. Directories that
// share one would only wait for each other in vain.
std::optional<struct flock> lock_for(const std::string& directory) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return std::nullopt;
        }
        throw_errno(directory);
    }
    constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;
    constexpr std::uint64_t last_byte = (std::uint64_t{1} << 62) - 1;
    return lock_of(F_WRLCK, static_cast<off_t>((info.st_ino + info.st_dev * spread) & last_byte), 1);
}

}  // namespace

UniqueFd try_work_lock(const std::string& work_dir) {
    const std::string path = work_dir + "/lock";
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) {
        throw_errno(path);
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
        return file;
    }
    if (errno != EWOULDBLOCK) {
        throw_errno(path);
    }
    return {};
}

bool work_lock_is_free(const std::string& work_dir) {
    const UniqueFd lock(::open((work_dir + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    return lock.valid() ? ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 : errno == ENOENT;
}

WorkHold::WorkHold(const std::string& work_dir)
    : path_(holds_of(work_dir)), file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (!file_.valid()) {
        throw_errno(path_);
    }
}

// The lock is the open file's, not the process's: of two holds in one process each has its own.
bool WorkHold::take(const std::string& directory) {
    std::optional<struct flock> lock = lock_for(directory);
    if (!lock || ::fcntl(file_.get(), F_OFD_SETLK, &*lock) == 0) {
        return true;
    }
    if (errno != EAGAIN && errno != EACCES) {
        throw_errno(path_);
    }
    return false;
}

void WorkHold::release() {
    struct flock all = lock_of(F_UNLCK, 0, 0);
    if (::fcntl(file_.get(), F_OFD_SETLK, &all) != 0) {
        throw_errno(path_);
    }
}

bool work_is_held_back(const std::string& work_dir, const std::string& directory) {
    const std::string path = holds_of(work_dir);
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        if (errno == ENOENT) {
            return false;
        }
        throw_errno(path);
    }
    std::optional<struct flock> lock = lock_for(directory);
    if (lock && ::fcntl(file.get(), F_OFD_GETLK, &*lock) != 0) {
        throw_errno(path);
    }
    return lock && lock->l_type != F_UNLCK;
}

}  // namespace mistamover::process
