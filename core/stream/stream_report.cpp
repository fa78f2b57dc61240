// SPDX-License-Identifier: BSD-3-Clause
#include "stream/stream_report.hpp"

#include <utility>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

constexpr auto report_interval = 250ms;
constexpr auto rate_window = 5s;
constexpr char interrupted[] = "interrupted by the stop";

// In mirror mode the one unit, the directory as a whole, needs no name.
std::string why_it_waits(const UnitQueue::Waiting& unit) {
    const std::string name = unit.name == whole_directory ? "" : unit.name;
    if (unit.failed) {
        return name + (name.empty() ? "" : " ") + "waits for its next try: " + unit.reason;
    }
    return name + (name.empty() ? "" : ": ") + unit.reason;
}

std::string why_waiting(const StreamFacts& facts) {
    if (facts.waiting && facts.waiting->failed) {
        return why_it_waits(*facts.waiting);
    }
    if (facts.receipts_due) {
        return "units wait for their receipts";
    }
    if (facts.waiting) {
        return why_it_waits(*facts.waiting);
    }
    if (facts.stopping) {
        return interrupted;
    }
    return facts.before_units.empty() ? "units are about to be sent" : facts.before_units;
}

}  // namespace

process::StreamReport counts_of(const UnitQueue& queue, const Ledger& ledger, std::uint64_t sent_bytes) {
    process::StreamReport counts;
    counts.backlog_units = queue.size();
    counts.backlog_bytes = queue.bytes();
    counts.in_flight = queue.in_flight();
    counts.delivered_units = ledger.delivered_units();
    counts.delivered_bytes = ledger.delivered_bytes();
    counts.sent_bytes = sent_bytes;
    counts.quarantined_units = ledger.quarantined();
    counts.last_error = ledger.last_error();
    counts.last_error_time = ledger.last_error_time();
    return counts;
}

StreamCondition condition_of(const StreamFacts& facts) {
    using process::StreamState;
    if (facts.stream_failure) {
        return {StreamState::failed, *facts.stream_failure};
    }
    if (!facts.stopped.empty()) {
        return {StreamState::stopped, facts.stopped};
    }
    if (facts.complete) {
        return {StreamState::complete, ""};
    }
    if (facts.sending) {
        return {StreamState::transferring, ""};
    }
    if (!facts.suspended.empty()) {
        return {StreamState::suspended, facts.suspended};
    }
    if (facts.target_failure) {
        return {StreamState::backing_off, *facts.target_failure};
    }
    if (facts.counts.backlog_units > 0) {
        return {StreamState::waiting, why_waiting(facts)};
    }
    return {StreamState::idle, ""};
}

std::string why_left(const UnitQueue::Left& unit, const StreamFacts& facts) {
    if (!unit.reason.empty()) {
        return unit.reason;
    }
    if (unit.in_flight) {
        return "it waits for its receipt";
    }
    const StreamCondition condition = condition_of(facts);
    if (condition.state != process::StreamState::waiting && !condition.reason.empty()) {
        return condition.reason;
    }
    return facts.stopping ? interrupted : "not sent";
}

std::uint64_t RateMeter::note(std::uint64_t bytes, bool sending, Clock::time_point now) {
    if (!samples_.empty() && now - samples_.back().when >= rate_window) {
        samples_.clear();  // a pause, which is not to count
    }
    samples_.push_back({now, bytes});
    while (samples_.size() > 1 && now - samples_[1].when >= rate_window) {
        samples_.pop_front();
    }
    const Sample& first = samples_.front();
    const std::chrono::duration<double> elapsed = now - first.when;
    if (!sending || elapsed.count() <= 0) {
        return 0;
    }
    return static_cast<std::uint64_t>(static_cast<double>(bytes - first.bytes) / elapsed.count());
}

void StreamReporter::report_soon() {
    if (timer_ != 0) {
        return;
    }
    timer_ = loop_.call_after(report_interval, [this] {
        timer_ = 0;
        StreamFacts facts = facts_();
        const bool sending = facts.sending;
        send(std::move(facts));
        if (sending) {
            report_soon();
        }
    });
}

void StreamReporter::send(StreamFacts&& facts) {
    StreamCondition condition = condition_of(facts);
    process::StreamReport& message = facts.counts;
    message.state = condition.state;
    message.reason = std::move(condition.reason);
    message.bytes_per_second = rate_.note(message.sent_bytes, facts.sending, RateMeter::Clock::now());
    channel_.send(message);
}

}  // namespace mistamover::stream
