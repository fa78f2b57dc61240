// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "arrivals/handshake_files.hpp"

namespace mistamover::arrivals {

/// What one look at the target shows of a handshake.
struct AnswerSeen {
    bool receipt_there = false;
    std::optional<std::string> receipt;  ///< Its text, if it is there and could be read.
    bool data_there = false;             ///< The data file still lies under its name.
};

enum class Verdict : std::uint8_t {
    wait,
    arrived,  ///< Proof: the source may go.
    failed,   ///< Send data and control again.
};

struct Judgement {
    Verdict verdict = Verdict::wait;
    std::string reason;         ///< For people, where it failed.
    std::string thankyou_name;  ///< The receipt is to be thanked for under this name; empty: it is not.
};

/// The sender's side of one handshake, from the moment that its control file is at the target. Pure: takes
/// the time as an argument.
class SenderHandshake {
  public:
    using Clock = std::chrono::steady_clock;

    struct Rules {
        std::uint32_t poll_count = 100;
        std::chrono::milliseconds poll_interval{5000};
        bool legacy_receiver = false;
    };

    SenderHandshake(Control control, const Rules& rules, Clock::time_point now);

    [[nodiscard]] const Control& control() const noexcept { return control_; }
    /// After each look that the target has answered; looks beside the interval do not count.
    Judgement judge(const AnswerSeen& seen, Clock::time_point now);

  private:
    [[nodiscard]] Judgement judge_receipt(const Receipt& receipt, bool data_there) const;

    Control control_;
    Rules rules_;
    std::uint32_t counted_ = 0;
    Clock::time_point last_counted_;
    std::optional<Clock::time_point> unreadable_since_;
};

}  // namespace mistamover::arrivals
