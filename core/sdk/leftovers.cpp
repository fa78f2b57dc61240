// SPDX-License-Identifier: BSD-3-Clause
#include <utility>

#include <mistamover/leftovers.hpp>

namespace mistamover {

void Leftovers::keep(const std::string& target, Leftover leftover) {
    const std::lock_guard lock(mutex_);
    by_target_.insert_or_assign(target, std::move(leftover));
}

std::optional<Leftover> Leftovers::take(const std::string& target) {
    const std::lock_guard lock(mutex_);
    auto node = by_target_.extract(target);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
}

std::uint64_t resume_offset(std::uint64_t confirmed) noexcept {
    constexpr std::uint64_t step_back = 4ULL << 20U;
    return confirmed > step_back ? confirmed - step_back : 0;
}

}  // namespace mistamover
