// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <utility>

#include "process/throw_errno.hpp"

namespace mistamover::process {

namespace {

UniqueFd locked(UniqueFd file, const std::string& path) {
    while (!file.valid() || ::flock(file.get(), LOCK_EX) != 0) {
        if (errno != EINTR) {
            throw_errno(path);
        }
    }
    return file;
}

UniqueFd opened_directory(const std::string& path) {
    UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() && errno != ENOENT) {
        throw_errno(path);
    }
    return directory;
}

}  // namespace

UniqueFd take_work_lock(const std::string& work_dir) {
    const std::string path = work_dir + "/lock";
    return locked(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)), path);
}

bool work_lock_is_free(const std::string& work_dir) {
    const UniqueFd lock(::open((work_dir + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    return lock.valid() ? ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 : errno == ENOENT;
}

// The directory itself is locked: on a disk that is full, a file for it could not be made.
UniqueFd hold_back_work(const std::string& work_dir) {
    UniqueFd directory = opened_directory(work_dir);
    return directory.valid() ? locked(std::move(directory), work_dir) : UniqueFd();
}

bool work_is_held_back(const std::string& work_dir) {
    const UniqueFd directory = opened_directory(work_dir);
    if (!directory.valid() || ::flock(directory.get(), LOCK_SH | LOCK_NB) == 0) {
        return false;
    }
    if (errno != EWOULDBLOCK) {
        throw_errno(work_dir);
    }
    return true;
}

}  // namespace mistamover::process
