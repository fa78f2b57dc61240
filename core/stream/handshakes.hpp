// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "stream/handshake.hpp"

namespace mistamover::stream {

/// The units that wait for their receipts, between one look at the target and the next. The first looks come
/// soon after a unit was sent, the later ones ever more seldom, down to one an interval. Pure: takes the time
/// as an argument. Used by one thread.
class Handshakes {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Handshakes(std::chrono::milliseconds poll_interval) : poll_interval_(poll_interval) {}

    /// Those that have just begun; or, of `looked_for` that were taken, those that have not ended.
    void add(std::vector<Handshake>&& handshakes, std::size_t looked_for, Clock::time_point now);
    /// Takes up to `count` of which one is due, and those that are due soon with it.
    std::vector<Handshake> take_due(std::size_t count, Clock::time_point now);

    /// How many there are, those that were taken included.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Of those that were not taken.
    [[nodiscard]] std::optional<Clock::time_point> next_look() const;
    /// How many more units may be sent: `window` at once, of which `in_flight` are under way, and no more
    /// than can be announced where there is room on the disk for so many `files`; but where nothing is under
    /// way, one, which finds out what there is.
    [[nodiscard]] std::size_t room(std::size_t window, std::size_t in_flight,
                                   std::size_t files) const noexcept;

  private:
    std::chrono::milliseconds poll_interval_;
    std::multimap<Clock::time_point, Handshake> waiting_;  ///< By when they are looked for next.
    std::size_t size_ = 0;
};

}  // namespace mistamover::stream
