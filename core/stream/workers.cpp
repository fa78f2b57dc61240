// SPDX-License-Identifier: BSD-3-Clause
#include "stream/workers.hpp"

#include <algorithm>

namespace mistamover::stream {

Worker& Workers::at(std::size_t index) {
    while (index >= workers_.size()) {
        workers_.push_back(std::make_unique<Worker>(shared_));
    }
    return *workers_[index];
}

Worker& Workers::for_one_alone() {
    const auto found = std::find_if(begin(), end(), [](const auto& worker) { return worker->has_session(); });
    return found == end() ? at(0) : **found;
}

bool Workers::all_idle() const {
    return std::all_of(begin(), end(), [](const auto& worker) { return worker->idle(); });
}

std::size_t Workers::open_sessions() const {
    return static_cast<std::size_t>(
        std::count_if(begin(), end(), [](const auto& worker) { return worker->has_session(); }));
}

bool Workers::may_start(const Worker& candidate, Clock::time_point now) const {
    const auto has_or_opens = [](const auto& worker) { return worker->has_session() || !worker->idle(); };
    const auto count = static_cast<std::size_t>(std::count_if(begin(), end(), has_or_opens));
    return candidate.idle() && (candidate.has_session() || count < allowed(now));
}

bool Workers::any_may_start(Clock::time_point now) const {
    return workers_.size() < most_ ||
           std::any_of(begin(), end(), [&](const auto& worker) { return may_start(*worker, now); });
}

void Workers::close() {
    for (const std::unique_ptr<Worker>& worker : workers_) {
        worker->close();
    }
}

}  // namespace mistamover::stream
