// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/detach.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include "process/throw_errno.hpp"

namespace mistamover::supervisor {

void let_go_of_terminal() {
    const process::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(null.get(), stream);
    }
    (void)!::chdir("/");
}

void keep_terminal_from_children() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::fcntl(stream, F_SETFD, FD_CLOEXEC);
    }
}

Detach::Detach() {
    ::close_range(STDERR_FILENO + 1, ~0U, 0);  // a lock or a pipe of whoever starts it would stay in use
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        process::throw_errno("pipe");
    }
    const process::UniqueFd reading(ends[0]);
    parent_.reset(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) {
        process::throw_errno("fork");
    }
    if (pid > 0) {
        parent_.reset();
        unsigned char code = 3;  // where the child dies without a word
        while (::read(reading.get(), &code, 1) < 0 && errno == EINTR) {
        }
        ::_exit(code);
    }
    ::setsid();
    keep_terminal_from_children();
}

void Detach::report(int exit_code) {
    if (exit_code == 0) {
        let_go_of_terminal();
    }
    const auto code = static_cast<unsigned char>(exit_code);
    (void)!::write(parent_.get(), &code, 1);
    parent_.reset();
}

}  // namespace mistamover::supervisor
