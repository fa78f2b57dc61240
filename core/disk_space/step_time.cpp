// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/step_time.hpp"

#include <ctime>

namespace mistamover::disk_space {
namespace {

constexpr int longest_in_steps = 50;

std::chrono::nanoseconds cpu_time() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

}  // namespace

StepTime::StepTime(std::chrono::milliseconds step)
    : cpu_end_(cpu_time() + step), end_(std::chrono::steady_clock::now() + longest_in_steps * step) {}

bool StepTime::operator()() const {
    return cpu_time() < cpu_end_ && std::chrono::steady_clock::now() < end_;
}

}  // namespace mistamover::disk_space
