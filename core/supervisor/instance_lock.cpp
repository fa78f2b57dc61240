// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/instance_lock.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace mistamover::supervisor {
namespace {

struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

// The kernel may take a moment to release the lock of a controller that was just killed.
bool lock_soon(int fd) {
    constexpr int tries = 40;
    for (int i = 0; i < tries; ++i) {
        struct flock lock = whole_file();
        if (::fcntl(fd, F_SETLK, &lock) == 0) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return false;
}

pid_t holder_of(int fd) {
    struct flock lock = whole_file();
    if (::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
        return 0;
    }
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

std::filesystem::path lock_file(const std::filesystem::path& run_dir) {
    return run_dir / "mistamover.lock";
}

[[noreturn]] void cannot_be_used(const std::filesystem::path& run_dir) {
    throw std::runtime_error("global.run_dir " + run_dir.string() +
                             " cannot be used: " + std::system_category().message(errno));
}

}  // namespace

InstanceLock::InstanceLock(const std::filesystem::path& run_dir) : run_dir_(run_dir) {
    std::error_code error;
    std::filesystem::create_directories(run_dir, error);
    lock_.reset(::open(lock_file(run_dir).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!lock_.valid()) {
        cannot_be_used(run_dir);
    }
    if (!lock_soon(lock_.get())) {
        const pid_t pid = holder_of(lock_.get());
        throw std::runtime_error("mistamover is already running with run_dir " + run_dir.string() +
                                 (pid <= 0 ? "" : " (process " + std::to_string(pid) + ")"));
    }
}

// What an earlier controller has left is written over, which needs no room.
std::string InstanceLock::announce() const {
    const std::filesystem::path path = pid_file(run_dir_);
    const std::string text = std::to_string(::getpid()) + '\n';
    const process::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    if (file.valid() &&
        ::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
        ::ftruncate(file.get(), static_cast<off_t>(text.size())) == 0) {
        return "";
    }
    if (errno != ENOSPC && errno != EDQUOT) {
        cannot_be_used(run_dir_);
    }
    return path.string() + " cannot be written: " + std::system_category().message(errno);
}

void InstanceLock::withdraw() const noexcept {
    if (is_in_place() || announced(run_dir_) == ::getpid()) {
        std::error_code ignored;
        std::filesystem::remove(pid_file(run_dir_), ignored);
    }
}

bool InstanceLock::is_in_place() const noexcept {
    struct stat held {};
    struct stat there {};
    return ::fstat(lock_.get(), &held) == 0 && ::stat(lock_file(run_dir_).c_str(), &there) == 0 &&
           held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

pid_t InstanceLock::holder(const std::filesystem::path& run_dir) {
    const process::UniqueFd fd(::open(lock_file(run_dir).c_str(), O_RDWR | O_CLOEXEC));
    return fd.valid() ? holder_of(fd.get()) : 0;
}

pid_t InstanceLock::announced(const std::filesystem::path& run_dir) {
    pid_t pid = 0;
    std::ifstream(pid_file(run_dir)) >> pid;
    return pid;
}

}  // namespace mistamover::supervisor
