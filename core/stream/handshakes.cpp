// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshakes.hpp"

#include <algorithm>
#include <iterator>

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
        handshake.next_look = now + handshake.pause;
        waiting_.push_back(std::move(handshake));
    }
    handshakes.clear();
}

std::vector<Handshake> Handshakes::take_due(std::size_t count, Clock::time_point now) {
    std::vector<Handshake> taken;
    const std::optional<Clock::time_point> first = next_look();
    if (!first || *first > now) {
        return taken;
    }
    // One look costs much the same for one as for many.
    const auto is_due = [now](const Handshake& one) { return one.next_look - one.pause / 3 <= now; };
    const auto begin_of_due =
        std::partition(waiting_.begin(), waiting_.end(), [&](const Handshake& one) { return !is_due(one); });
    const auto due = static_cast<std::size_t>(waiting_.end() - begin_of_due);
    const auto from = waiting_.end() - static_cast<std::ptrdiff_t>(std::min(due, count));
    taken.assign(std::make_move_iterator(from), std::make_move_iterator(waiting_.end()));
    waiting_.erase(from, waiting_.end());
    return taken;
}

std::optional<Handshakes::Clock::time_point> Handshakes::next_look() const {
    const auto first = std::min_element(
        waiting_.begin(), waiting_.end(),
        [](const Handshake& one, const Handshake& other) { return one.next_look < other.next_look; });
    return first == waiting_.end() ? std::nullopt : std::optional(first->next_look);
}

}  // namespace mistamover::stream
