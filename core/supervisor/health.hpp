// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

#include "process/messages.hpp"

namespace mistamover::supervisor {

/// When a child was heard of, and whether it ought to have spoken since. Pure.
class Contact {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// It said something, or was started.
    void heard(Time now) { heard_ = now; }
    /// It was told something that it answers.
    void told(Time now) {
        if (!is_to_answer()) {
            told_ = now;
        }
    }
    /// What it said last: whether it works, and therefore speaks every process::heartbeat_interval.
    void works(bool works) { works_ = works; }

  private:
    friend class HealthCheck;
    [[nodiscard]] bool is_to_answer() const { return told_ > heard_; }

    Time heard_{};
    Time told_{};  ///< First of what has no answer yet.
    bool works_ = false;
};

/// Tells which child hangs: one of which nothing was heard for too long, while it could speak and the
/// controller itself was awake to hear it. Pure.
class HealthCheck {
  public:
    using Time = Contact::Time;
    static constexpr std::chrono::seconds interval{60};  ///< Between two looks.
    /// Of a child that works, or is to answer.
    static constexpr std::chrono::seconds longest_silence = 3 * process::heartbeat_interval;
    static constexpr std::chrono::seconds longest_idle_silence = 3 * process::idle_heartbeat_interval;

    enum class Children : std::uint8_t {
        can_speak,
        may_be_held_up,  ///< By what is no fault of theirs: in this look none hangs, and times start anew.
    };

    /// A look at all children begins.
    void begin(Time now, Children children = Children::can_speak);
    /// In this look.
    [[nodiscard]] bool hangs(const Contact& contact) const;

  private:
    Time now_{};
    Time heard_all_since_{};  ///< Whoever said something from then on was heard.
};

}  // namespace mistamover::supervisor
