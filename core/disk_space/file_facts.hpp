// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <ctime>
#include <sys/stat.h>

namespace mistamover::disk_space {

inline std::int64_t in_ns(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t now_in_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return in_ns(now);
}

/// What it takes up, which may be less than its size.
inline std::uint64_t bytes_on_disk(const struct stat& info) {
    constexpr std::uint64_t block = 512;  // the unit of st_blocks
    return static_cast<std::uint64_t>(info.st_blocks) * block;
}

}  // namespace mistamover::disk_space
