// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "process/channel.hpp"
#include "process/event_loop.hpp"
#include "stream/ledger.hpp"
#include "stream/unit_queue.hpp"

namespace mistamover::stream {

/// What the state of a stream follows from, and what else is reported of it.
struct StreamFacts {
    process::StreamReport counts;               ///< All but the state, its reason and the rate.
    std::optional<std::string> stream_failure;  ///< It has failed for good.
    std::optional<std::string> target_failure;  ///< It keeps away from the target for a while.
    std::string stopped;                        ///< By what, for good; empty: it is not.
    std::string suspended;                      ///< By which stop file; empty: it is not.
    bool complete = false;                      ///< The completion file was delivered.
    bool sending = false;                       ///< Units are on their way.
    bool receipts_due = false;                  ///< Units wait for their receipts.
    bool stopping = false;                      ///< No other unit is started.
    std::string before_units;                   ///< What comes before the next unit; empty: nothing.
    std::optional<UnitQueue::Waiting> waiting;  ///< What tells best why units wait.
};

/// `sent_bytes`: see StreamReport.
process::StreamReport counts_of(const UnitQueue& queue, const Ledger& ledger, std::uint64_t sent_bytes);

struct StreamCondition {
    process::StreamState state = process::StreamState::idle;
    std::string reason;
};
StreamCondition condition_of(const StreamFacts& facts);
/// Why a stream that ends leaves the unit behind.
std::string why_left(const UnitQueue::Left& unit, const StreamFacts& facts);

/// Bytes a second, over the last few seconds, since some modules tell of what they send in bursts. Pure:
/// takes the time as an argument. Used by one thread.
class RateMeter {
  public:
    using Clock = std::chrono::steady_clock;

    /// So many bytes have been sent altogether; to be told several times a second while anything is sent.
    /// Returns the rate; 0 where nothing is being sent.
    std::uint64_t note(std::uint64_t bytes, bool sending, Clock::time_point now);

  private:
    struct Sample {
        Clock::time_point when;
        std::uint64_t bytes;
    };
    std::deque<Sample> samples_;
};

/// Tells the controller how the stream is doing. Lives on the event loop's thread.
class StreamReporter {
  public:
    /// The references must outlive the object.
    StreamReporter(process::EventLoop& loop, process::Channel& channel, std::function<StreamFacts()> facts)
        : loop_(loop), channel_(channel), facts_(std::move(facts)) {}
    ~StreamReporter() { loop_.cancel(timer_); }
    StreamReporter(const StreamReporter&) = delete;
    StreamReporter& operator=(const StreamReporter&) = delete;

    /// Within a moment, and again and again while units are being sent.
    void report_soon();
    void report() { send(facts_()); }

  private:
    void send(StreamFacts&& facts);

    process::EventLoop& loop_;
    process::Channel& channel_;
    std::function<StreamFacts()> facts_;
    process::EventLoop::TimerId timer_ = 0;
    RateMeter rate_;
};

}  // namespace mistamover::stream
