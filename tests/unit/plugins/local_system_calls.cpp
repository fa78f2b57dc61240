// SPDX-License-Identifier: BSD-3-Clause
#include "local_system_calls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mistamover::local::test {
namespace {

struct Behaviour {
    int mode_error = 0;
    int time_error = 0;
    bool ignores_times = false;
    std::int64_t time_precision_ns = 1;
    DiskLog* log = nullptr;
};
Behaviour behaviour;

int refuse_with(int error_number) {
    errno = error_number;
    return -1;
}

/// Of a time after 1970.
timespec cut_off(const timespec& time) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    const std::int64_t given = time.tv_sec * second_ns + time.tv_nsec;
    const std::int64_t kept = given - given % behaviour.time_precision_ns;
    return {kept / second_ns, kept % second_ns};
}

}  // namespace

Refusing::Refusing(int mode_error, int time_error) {
    behaviour.mode_error = mode_error;
    behaviour.time_error = time_error;
}

Refusing::~Refusing() {
    behaviour.mode_error = 0;
    behaviour.time_error = 0;
}

KeepingTimes::KeepingTimes(std::optional<std::int64_t> precision_ns) {
    behaviour.ignores_times = !precision_ns;
    behaviour.time_precision_ns = precision_ns.value_or(1);
}

KeepingTimes::~KeepingTimes() {
    behaviour.ignores_times = false;
    behaviour.time_precision_ns = 1;
}

DiskLog::DiskLog() {
    behaviour.log = this;
}

DiskLog::~DiskLog() {
    behaviour.log = nullptr;
}

std::string DiskLog::id_of(const struct stat& found) {
    return std::to_string(found.st_dev) + ':' + std::to_string(found.st_ino);
}

std::size_t DiskLog::position(const std::string& event) const {
    const auto found = std::find(events_.begin(), events_.end(), event);
    REQUIRE_MESSAGE(found != events_.end(), event);
    return static_cast<std::size_t>(found - events_.begin());
}

}  // namespace mistamover::local::test

// What the module calls, instead of the C library's functions of these names.
extern "C" {

int fchmod(int file, mode_t mode) noexcept {
    using namespace mistamover::local::test;
    return behaviour.mode_error != 0 ? refuse_with(behaviour.mode_error)
                                     : static_cast<int>(::syscall(SYS_fchmod, file, mode));
}

int futimens(int file, const timespec* times) noexcept {
    using namespace mistamover::local::test;
    if (behaviour.time_error != 0) {
        return refuse_with(behaviour.time_error);
    }
    if (behaviour.ignores_times) {
        return 0;
    }
    const std::array<timespec, 2> kept{cut_off(times[0]), cut_off(times[1])};
    return static_cast<int>(::syscall(SYS_utimensat, file, nullptr, kept.data(), 0));
}

int fsync(int file) {
    using namespace mistamover::local::test;
    DiskLog* const log = behaviour.log;
    struct stat found = {};
    if (log == nullptr || ::fstat(file, &found) != 0) {
        return static_cast<int>(::syscall(SYS_fsync, file));
    }
    const bool is_directory = S_ISDIR(found.st_mode);
    if (!is_directory && log->on_contents) {
        log->on_contents();
    }
    if (is_directory ? log->refuses_directories : log->refuses_contents) {
        return refuse_with(EIO);
    }
    const int result = static_cast<int>(::syscall(SYS_fsync, file));
    if (result == 0) {
        log->add((is_directory ? "directory " : "contents ") + DiskLog::id_of(found));
    }
    return result;
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
    using namespace mistamover::local::test;
    const int result = static_cast<int>(::syscall(SYS_renameat, from_directory, from, to_directory, to));
    if (result == 0 && behaviour.log != nullptr) {
        behaviour.log->add(std::string("rename ") + to);
    }
    return result;
}
}
