// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>

namespace mistamover::stream {

/// How many sessions a stream has at once: as many as are wanted, or, once the target has refused one more,
/// as many as it lets in, until more are tried again. Pure: takes the time as an argument.
class SessionLimit {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::minutes tried_again_after{10};

    explicit SessionLimit(std::size_t wanted) : wanted_(wanted), allowed_(wanted) {}

    [[nodiscard]] std::size_t at(Clock::time_point now) const noexcept {
        return now < holds_until_ ? allowed_ : wanted_;
    }
    /// The target refused one more than the `open` ones, of which there is at least one: at least, since
    /// others may be on their way in. True the first time.
    bool refused(std::size_t open, Clock::time_point now) noexcept {
        const bool first = allowed_ == wanted_;
        allowed_ = open;
        holds_until_ = now + tried_again_after;
        return first;
    }

  private:
    std::size_t wanted_;
    std::size_t allowed_;
    Clock::time_point holds_until_{};
};

}  // namespace mistamover::stream
