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
    UniqueFd directory(::open(work_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return directory.valid() || errno != ENOENT ? locked(std::move(directory), work_dir) : UniqueFd();
}

}  // namespace mistamover::process
