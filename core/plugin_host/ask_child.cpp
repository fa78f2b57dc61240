// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/ask_child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "process/unique_fd.hpp"

namespace mistamover::plugin_host {
namespace {

using process::UniqueFd;
using Clock = std::chrono::steady_clock;

constexpr std::size_t output_limit = 4U << 20U;

void check(int error_number, const char* what) {
    if (error_number != 0) {
        throw std::system_error(error_number, std::generic_category(), what);
    }
}

class FileActions {
  public:
    explicit FileActions(int output) {
        check(posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init");
        check(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0), "open");
        check(posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO), "dup2");
        check(posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0), "open");
        check(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1), "closefrom");
    }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

class Attributes {
  public:
    Attributes() {
        check(posix_spawnattr_init(&attributes_), "posix_spawnattr_init");
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(&attributes_,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { posix_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

pid_t start(const std::filesystem::path& program, std::vector<std::string> arguments, int output) {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    const FileActions actions(output);
    const Attributes attributes;
    pid_t child = -1;
    check(posix_spawn(&child, program.c_str(), actions.get(), attributes.get(), argv.data(), environ),
          program.c_str());
    return child;
}

/// Reads to the end of `fd`; false where that does not come before the deadline or the limit.
bool read_to_end(int fd, Clock::time_point deadline, std::string& output) {
    std::array<char, 4096> buffer{};
    while (output.size() < output_limit) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{fd, POLLIN, 0};
        const int ready = left <= 0 ? 0 : ::poll(&waiting, 1, static_cast<int>(std::min<long>(left, 60'000)));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return false;
        }
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count == 0) {
            return true;
        }
        if (count > 0) {
            output.append(buffer.data(), static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return false;
        }
    }
    return false;
}

/// Waits for the child to be a zombie, which keeps its process group's number ours, until the deadline.
bool wait_for_end(pid_t child, Clock::time_point deadline) {
    for (;;) {
        siginfo_t info{};
        const int outcome = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
        if (outcome == 0 && info.si_pid == child) {
            return true;
        }
        if ((outcome != 0 && errno != EINTR) || Clock::now() >= deadline) {
            return false;
        }
        ::poll(nullptr, 0, 1);
    }
}

}  // namespace

ChildAnswer ask_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::chrono::milliseconds deadline) {
    const Clock::time_point end = Clock::now() + deadline;
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC) == 0 ? 0 : errno, "pipe");
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const pid_t child = start(program, arguments, writing.get());
    writing.reset();

    ChildAnswer answer;
    answer.timed_out = !read_to_end(reading.get(), end, answer.output) || !wait_for_end(child, end);
    ::kill(-child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    answer.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return answer;
}

}  // namespace mistamover::plugin_host
