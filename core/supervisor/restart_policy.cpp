// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/restart_policy.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace mistamover::supervisor {
namespace {

constexpr std::chrono::milliseconds healthy_life{60'000};
constexpr std::chrono::milliseconds shortest{100};
constexpr std::chrono::milliseconds longest{2'000};

}  // namespace

std::chrono::milliseconds RestartPolicy::next_pause(std::chrono::milliseconds lived, double jitter) {
    ends_in_a_row_ = lived > healthy_life ? 1 : ends_in_a_row_ + 1;
    if (ends_in_a_row_ == 1 && first_ == First::at_once) {
        return std::chrono::milliseconds{0};
    }
    std::chrono::milliseconds pause = shortest;
    for (unsigned i = 1; i < ends_in_a_row_ && pause < longest; ++i) {
        pause *= 2;
    }
    const auto whole = static_cast<double>(std::min(pause, longest).count());
    return std::chrono::milliseconds{std::lround(whole * (1 - std::clamp(jitter, 0.0, 1.0) / 2))};
}

double random_jitter() {
    static std::mt19937 random{std::random_device{}()};
    return std::uniform_real_distribution<>(0, 1)(random);
}

}  // namespace mistamover::supervisor
