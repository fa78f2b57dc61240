// SPDX-License-Identifier: BSD-3-Clause
#include "process/spawn.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "process/throw_errno.hpp"

namespace mistamover::process {
namespace {

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become_child(char* const* arguments, int channel, int log) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::setpgid(0, 0);
    // Moved out of the way first, since each may sit on the other's number.
    const int channel_copy = ::fcntl(channel, F_DUPFD, 10);
    const int log_copy = ::fcntl(log, F_DUPFD, 10);
    ::dup2(channel_copy, channel_fd);
    ::dup2(log_copy, log_fd);
    ::close_range(log_fd + 1, ~0U, 0);
    ::execv("/proc/self/exe", arguments);
    ::_exit(127);
}

}  // namespace

pid_t spawn_self(const std::vector<std::string>& arguments, int channel, int log) {
    std::vector<std::string> texts{"mistamover"};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw_errno("fork");
    }
    if (pid == 0) {
        become_child(pointers.data(), channel, log);
    }
    return pid;
}

void set_process_name(const std::string& name) {
    ::prctl(PR_SET_NAME, name.substr(0, 15).c_str());
}

}  // namespace mistamover::process
