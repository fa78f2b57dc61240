// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>

#include "process/throw_errno.hpp"

namespace mistamover::process {

UniqueFd take_work_lock(const std::string& work_dir) {
    const std::string path = work_dir + "/lock";
    UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    while (!lock.valid() || ::flock(lock.get(), LOCK_EX) != 0) {
        if (errno != EINTR) {
            throw_errno(path);
        }
    }
    return lock;
}

bool work_lock_is_free(const std::string& work_dir) {
    const UniqueFd lock(::open((work_dir + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    return lock.valid() ? ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 : errno == ENOENT;
}

}  // namespace mistamover::process
