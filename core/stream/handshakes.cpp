// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshakes.hpp"

#include <algorithm>
#include <utility>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 20ms;

std::chrono::milliseconds longer(std::chrono::milliseconds pause) {
    return std::max<std::chrono::milliseconds>(first_pause, pause * 3 / 2);
}

}  // namespace

void Handshakes::add(std::vector<Handshake>&& handshakes, std::size_t looked_for, Clock::time_point now) {
    size_ = size_ + handshakes.size() - looked_for;
    for (Handshake& handshake : handshakes) {
        handshake.pause = std::min(longer(handshake.pause), poll_interval_);
        waiting_.emplace(now + handshake.pause, std::move(handshake));
    }
    handshakes.clear();
}

std::vector<Handshake> Handshakes::take_due(std::size_t count, Clock::time_point now) {
    std::vector<Handshake> taken;
    if (waiting_.empty() || waiting_.begin()->first > now) {
        return taken;
    }
    // One look costs much the same for one as for many.
    const auto is_soon = [now](const auto& entry) { return entry.first - entry.second.pause / 3 <= now; };
    taken.reserve(std::min(count, waiting_.size()));
    while (taken.size() < count && !waiting_.empty() && is_soon(*waiting_.begin())) {
        taken.push_back(std::move(waiting_.begin()->second));
        waiting_.erase(waiting_.begin());
    }
    return taken;
}

std::optional<Handshakes::Clock::time_point> Handshakes::next_look() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

// A unit takes a file of the journal, and one that is put: its control file, and in the end its thanks.
std::size_t Handshakes::room(std::size_t window, std::size_t in_flight, std::size_t files) const noexcept {
    const std::size_t claimed = size_ + 2 * (in_flight - std::min(in_flight, size_));
    const std::size_t announced = (files - std::min(files, claimed)) / 2;
    const std::size_t units = in_flight == 0 ? std::max<std::size_t>(announced, 1) : announced;
    return std::min(window - std::min(window, in_flight), units);
}

}  // namespace mistamover::stream
