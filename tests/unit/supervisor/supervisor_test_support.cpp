// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor_test_support.hpp"

#include <csignal>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/instance_lock.hpp"

namespace mistamover::test {

Child::Child(const std::function<void()>& work) {
    int ends[2];
    if (::pipe(ends) != 0 || (pid_ = ::fork()) < 0) {
        throw std::runtime_error("no child can be started");
    }
    if (pid_ == 0) {
        ::close(ends[0]);
        char result = 'k';
        try {
            work();
        } catch (const std::exception&) {
            result = 'f';
        }
        (void)!::write(ends[1], &result, 1);
        ::close(ends[1]);
        while (true) {
            ::pause();
        }
    }
    ::close(ends[1]);
    char result = 'f';
    (void)!::read(ends[0], &result, 1);
    ::close(ends[0]);
    if (result != 'k') {
        kill();
        throw std::runtime_error("the child failed");
    }
}

void Child::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

std::function<void()> controller_of(const std::filesystem::path& run_dir, Announces announces) {
    return [run_dir, announces] {
        // Kept until the process is killed.
        const auto* lock = new supervisor::InstanceLock(run_dir);
        if (announces == Announces::yes) {
            (void)lock->announce();
        }
    };
}

}  // namespace mistamover::test
