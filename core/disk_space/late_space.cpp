// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/late_space.hpp"

#include <algorithm>

namespace mistamover::disk_space {

void LateSpace::deleted(Time now, std::uint64_t bytes, std::uint64_t back) {
    if (back < bytes / 2) {
        batches_.push_back({now, bytes - back});
    }
}

void LateSpace::came_back(std::uint64_t bytes) {
    while (bytes > 0 && !batches_.empty()) {
        const std::uint64_t part = std::min(bytes, batches_.front().bytes);
        bytes -= part;
        batches_.front().bytes -= part;
        if (batches_.front().bytes == 0) {
            batches_.pop_front();
        }
    }
}

void LateSpace::give_up(Time now) {
    std::erase_if(batches_, [&](const Batch& batch) { return now - batch.deleted_at >= longest_wait; });
}

std::uint64_t LateSpace::bytes() const {
    std::uint64_t sum = 0;
    for (const Batch& batch : batches_) {
        sum += batch.bytes;
    }
    return sum;
}

}  // namespace mistamover::disk_space
