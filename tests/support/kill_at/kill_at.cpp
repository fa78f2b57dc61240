// SPDX-License-Identifier: BSD-3-Clause
// A library to be preloaded: it kills the arrivals monitor at one of its steps. The file $KILL_AT_PLAN holds
// the step's number, counted from when the file appeared, and "before" or "after"; it is removed with the
// process, so that the next one lives. A step is whatever changes a directory or writes one out.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

bool is_monitor() {
    static const bool is = [] {
        std::FILE* const file = std::fopen("/proc/self/cmdline", "r");
        char line[4096] = {};
        const std::size_t length = file == nullptr ? 0 : std::fread(line, 1, sizeof line - 1, file);
        if (file != nullptr) {
            std::fclose(file);
        }
        return std::string(line, length).find(std::string("\0_arrivals", 10)) != std::string::npos;
    }();
    return is;
}

struct Plan {
    int step = 0;
    char when = 'n';  // 'b' before, 'a' after, 'n' there is none
};

Plan read_plan(const char* path) {
    Plan plan;
    std::FILE* const file = std::fopen(path, "r");
    if (file != nullptr) {
        if (std::fscanf(file, "%d %c", &plan.step, &plan.when) != 2) {
            plan = {};
        }
        std::fclose(file);
    }
    return plan;
}

template <typename Call>
long step(Call call) {
    static std::atomic<int> steps{0};
    const char* const path = std::getenv("KILL_AT_PLAN");
    const Plan plan = path != nullptr && is_monitor() ? read_plan(path) : Plan{};
    const bool is_it = plan.when != 'n' && ++steps == plan.step;
    const auto die = [path] {
        ::syscall(SYS_unlink, path);
        ::syscall(SYS_kill, ::getpid(), SIGKILL);
    };
    if (is_it && plan.when == 'b') {
        die();
    }
    const long result = call();
    const int error = errno;
    if (is_it) {
        die();
    }
    errno = error;
    return result;
}

long open_it(int directory, const char* name, int flags, unsigned mode) {
    const auto call = [=] { return ::syscall(SYS_openat, directory, name, flags, mode); };
    return directory >= 0 && (flags & O_CREAT) != 0 ? step(call) : call();
}

}  // namespace

// What the program calls, instead of the C library's functions of these names.
extern "C" {
#pragma GCC visibility push(default)

int openat(int directory, const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return static_cast<int>(open_it(directory, name, flags, mode));
}

int openat64(int directory, const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return static_cast<int>(open_it(directory, name, flags, mode));
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
    return static_cast<int>(
        step([=] { return ::syscall(SYS_renameat, from_directory, from, to_directory, to); }));
}

int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) noexcept {
    return static_cast<int>(
        step([=] { return ::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags); }));
}

int unlinkat(int directory, const char* name, int flags) noexcept {
    return static_cast<int>(step([=] { return ::syscall(SYS_unlinkat, directory, name, flags); }));
}

int fsync(int fd) {
    return static_cast<int>(step([=] { return ::syscall(SYS_fsync, fd); }));
}

int syncfs(int fd) noexcept {
    return static_cast<int>(step([=] { return ::syscall(SYS_syncfs, fd); }));
}

#pragma GCC visibility pop
}
