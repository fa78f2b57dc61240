// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/instance_lock.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace mistamover::supervisor {
namespace {

// The kernel may take a moment to release the lock of a controller that was just killed.
bool lock_soon(int fd) {
    constexpr int tries = 40;
    for (int i = 0; i < tries; ++i) {
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return false;
}

}  // namespace

InstanceLock::InstanceLock(const std::filesystem::path& run_dir) : run_dir_(run_dir) {
    std::error_code error;
    std::filesystem::create_directories(run_dir, error);
    const std::filesystem::path path = run_dir / "mistamover.lock";
    lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!lock_.valid()) {
        throw std::runtime_error("global.run_dir " + run_dir.string() +
                                 " cannot be used: " + std::system_category().message(errno));
    }
    if (!lock_soon(lock_.get())) {
        std::string pid;
        std::ifstream(pid_file(run_dir)) >> pid;
        throw std::runtime_error("mistamover is already running with run_dir " + run_dir.string() +
                                 (pid.empty() ? "" : " (process " + pid + ")"));
    }
}

void InstanceLock::announce() const {
    std::ofstream(pid_file(run_dir_)) << ::getpid() << '\n';
}

InstanceLock::~InstanceLock() {
    std::error_code ignored;
    std::filesystem::remove(pid_file(run_dir_), ignored);
}

}  // namespace mistamover::supervisor
