// SPDX-License-Identifier: BSD-3-Clause
#include "sdk/child_start.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <vector>

extern char** environ;

namespace mistamover::detail {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds grace{2000};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Fd moved_up(int fd) {
    Fd low(fd);
    Fd high(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
    if (high.get() < 0) {
        fail("fcntl");
    }
    return high;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_of(const ChildCommand& command) {
    std::vector<std::string> added = command.environment;
    added.emplace_back("LC_ALL=C");
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::string_view name = text.substr(0, text.find('=') + 1);
        bool replaced = false;
        for (const std::string& other : added) {
            replaced = replaced || std::string_view(other).starts_with(name);
        }
        if (!replaced) {
            all.emplace_back(text);
        }
    }
    all.insert(all.end(), added.begin(), added.end());
    return all;
}

struct ChildSide {
    char* const* arguments;
    char* const* environment;
    int input;
    int output;
    int error_output;
    int failure;
    pid_t parent;
};

// Between vfork and exec, in the parent's memory: async-signal-safe calls only, and all signals are blocked.
[[noreturn]] void become_child(const ChildSide& side) {
    for (int number = 1; number < SIGRTMIN; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();  // A program that wants to ask for a password must find no terminal.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == side.parent && ::dup2(side.input, 0) == 0 && ::dup2(side.output, 1) == 1 &&
        ::dup2(side.error_output, 2) == 2) {
        ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
        ::execvpe(side.arguments[0], side.arguments, side.environment);
    }
    const int error = errno;
    [[maybe_unused]] const ssize_t told = ::write(side.failure, &error, sizeof error);
    ::_exit(127);
}

bool wait_until_ended(pid_t pid, const Fd& pidfd, std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    while (!has_ended(pid)) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) {
            return false;
        }
        pollfd waiting{pidfd.get(), POLLIN, 0};
        // Without a pidfd poll() just waits, in short steps.
        ::poll(&waiting, 1, static_cast<int>(pidfd.get() >= 0 ? left : std::min<std::int64_t>(left, 10)));
    }
    return true;
}

}  // namespace

Ends output_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("pipe");
    }
    Fd reading(ends[0]);
    return {std::move(reading), moved_up(ends[1])};
}

Ends input_socket() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        fail("socketpair");
    }
    Fd writing(ends[0]);
    return {std::move(writing), moved_up(ends[1])};
}

Fd null_device() {
    return moved_up(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

pid_t start(const ChildCommand& command, int input, int output, int error_output) {
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = environment_of(command);
    const std::vector<char*> argument_pointers = pointers_to(arguments);
    const std::vector<char*> environment_pointers = pointers_to(environment);
    Ends failure = output_pipe();
    const ChildSide side{argument_pointers.data(),
                         environment_pointers.data(),
                         input,
                         output,
                         error_output,
                         failure.theirs.get(),
                         ::getpid()};
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    // fork would copy the page tables of the whole process.
    const pid_t pid = ::vfork();
    if (pid == 0) {
        become_child(side);
    }
    const int error_of_vfork = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        errno = error_of_vfork;
        fail("vfork");
    }
    failure.theirs.close();
    int error = 0;
    ssize_t length = 0;
    while ((length = ::read(failure.ours.get(), &error, sizeof error)) < 0 && errno == EINTR) {
    }
    if (length > 0) {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        throw std::system_error(error, std::generic_category(), command.arguments.front());
    }
    return pid;
}

bool has_ended(pid_t pid) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

// Until the end is taken, the number cannot be another's.
ChildResult reap(pid_t pid) {
    ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        return {ChildResult::End::signalled, WTERMSIG(status)};
    }
    return {ChildResult::End::exited, WEXITSTATUS(status)};
}

Fd pidfd_of(pid_t pid) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

ChildResult end_and_reap(pid_t pid) {
    const Fd pidfd = pidfd_of(pid);
    ::kill(-pid, SIGTERM);
    (void)wait_until_ended(pid, pidfd, grace);
    return reap(pid);
}

}  // namespace mistamover::detail
