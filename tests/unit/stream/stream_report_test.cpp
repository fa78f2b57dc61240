// SPDX-License-Identifier: BSD-3-Clause
#include "stream/stream_report.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;
using process::StreamState;

StreamFacts facts_with_units() {
    StreamFacts facts;
    facts.counts.backlog_units = 2;
    return facts;
}

std::string waiting_reason(const StreamFacts& facts) {
    const StreamCondition condition = condition_of(facts);
    CHECK(condition.state == StreamState::waiting);
    return condition.reason;
}

UnitQueue queue_of(const std::vector<std::string>& names) {
    UnitQueue queue;
    for (const std::string& name : names) {
        queue.add({name, {}});
    }
    (void)queue.take(names.size(), UINT64_MAX, {});
    return queue;
}

constexpr std::uint64_t megabyte = 1'000'000;
const RateMeter::Clock::time_point begin_of_sending{1h};

// Sends 1 MB/s, of which it tells only every second, and looks several times a second.
std::vector<std::uint64_t> rates_of_bursts(RateMeter& meter, std::chrono::milliseconds from,
                                           std::chrono::milliseconds to) {
    std::vector<std::uint64_t> rates;
    for (auto at = from; at <= to; at += 250ms) {
        const auto told = static_cast<std::uint64_t>(at / 1s) * megabyte;
        rates.push_back(meter.note(told, true, begin_of_sending + at));
    }
    return rates;
}

}  // namespace

TEST_CASE("what keeps a stream from sending is its state, the most lasting first") {
    StreamFacts facts;
    CHECK(condition_of(facts).state == StreamState::idle);
    facts = facts_with_units();
    CHECK(condition_of(facts).state == StreamState::waiting);
    facts.target_failure = "no route";
    CHECK(condition_of(facts).state == StreamState::backing_off);
    CHECK(condition_of(facts).reason == "no route");
    facts.suspended = "a .stop file";
    CHECK(condition_of(facts).state == StreamState::suspended);
    CHECK(condition_of(facts).reason == "a .stop file");
    facts.sending = true;
    CHECK(condition_of(facts).state == StreamState::transferring);
    CHECK(condition_of(facts).reason.empty());
    facts.complete = true;
    CHECK(condition_of(facts).state == StreamState::complete);
    facts.stopped = "stopped by a signal";
    CHECK(condition_of(facts).state == StreamState::stopped);
    CHECK(condition_of(facts).reason == "stopped by a signal");
    facts.stream_failure = "wrong password";
    CHECK(condition_of(facts).state == StreamState::failed);
    CHECK(condition_of(facts).reason == "wrong password");
}

TEST_CASE("a stream that waits for the next try of a unit says why the last one failed") {
    StreamFacts facts = facts_with_units();
    facts.waiting = {"f", "denied", true};
    facts.receipts_due = true;
    CHECK(waiting_reason(facts) == "f waits for its next try: denied");
    facts.waiting = {whole_directory, "3 entries are no longer there", true};
    CHECK(waiting_reason(facts) == "waits for its next try: 3 entries are no longer there");
}

TEST_CASE("where no unit has failed the stream says what it waits for") {
    StreamFacts facts = facts_with_units();
    CHECK(waiting_reason(facts) == "units are about to be sent");
    facts.before_units = "the temporary directory is emptied";
    CHECK(waiting_reason(facts) == "the temporary directory is emptied");
    facts.stopping = true;
    CHECK(waiting_reason(facts) == "interrupted by the stop");
    facts.waiting = {"f", "it is still being written", false};
    CHECK(waiting_reason(facts) == "f: it is still being written");
    facts.waiting = {whole_directory, "it is still being written", false};
    CHECK(waiting_reason(facts) == "it is still being written");
    facts.receipts_due = true;
    CHECK(waiting_reason(facts) == "units wait for their receipts");
}

TEST_CASE("a unit that has failed is what a queue waits for, before one that is only not ready") {
    UnitQueue queue = queue_of({"failed", "passed over", "written"});
    CHECK_FALSE(queue.first_waiting());
    const UnitQueue::Clock::time_point now{};
    queue.wait("written", now + 1s, false, "it is still being written");
    CHECK(queue.first_waiting()->name == "written");
    CHECK_FALSE(queue.first_waiting()->failed);
    queue.count_failure("failed");
    // As a mirror waits that has been given up for a while.
    queue.wait("failed", now + 10s, true, "denied");
    CHECK(queue.first_waiting()->name == "failed");
    CHECK(queue.first_waiting()->reason == "denied");
    CHECK(queue.first_waiting()->failed);
    queue.count_pass("passed over");
    queue.wait("passed over", now + 5s, false, "connection lost");
    CHECK(queue.first_waiting()->name == "passed over");
    // Of the next try only what became of it counts.
    CHECK(queue.take(3, UINT64_MAX, now + 10s).size() == 2);
    CHECK(queue.take(3, UINT64_MAX, now + 10s).size() == 1);  // what was passed over goes by itself
    queue.wait("failed", now + 20s, true, "it is still being written");
    CHECK_FALSE(queue.first_waiting()->failed);
}

TEST_CASE("a unit that is left behind tells its own reason, else that of the stream") {
    UnitQueue queue = queue_of({"f"});
    queue.wait("f", {}, true, "it is still being written");
    StreamFacts facts = facts_with_units();
    CHECK(why_left(queue.left().front(), facts) == "it is still being written");
    CHECK(queue.take(1, 1, {}).size() == 1);
    CHECK(why_left(queue.left().front(), facts) == "it waits for its receipt");
    queue.put_back("f");
    CHECK(why_left(queue.left().front(), facts) == "not sent");
    // What another unit waits for is no reason of this one.
    facts.waiting = {"g", "denied", true};
    facts.stopping = true;
    CHECK(why_left(queue.left().front(), facts) == "interrupted by the stop");
    facts.suspended = "a .stop file";
    CHECK(why_left(queue.left().front(), facts) == "a .stop file");
}

TEST_CASE("what is told in bursts has a steady rate") {
    RateMeter meter;
    (void)rates_of_bursts(meter, 0ms, 4750ms);
    for (const std::uint64_t rate : rates_of_bursts(meter, 5000ms, 20'000ms)) {
        CHECK(rate >= megabyte * 9 / 10);
        CHECK(rate <= megabyte * 11 / 10);
    }
}

TEST_CASE("the rate falls to nothing where nothing more is sent, and is none where no unit is on its way") {
    RateMeter meter;
    (void)rates_of_bursts(meter, 0ms, 10'000ms);
    for (auto at = 10'250ms; at < 15'000ms; at += 250ms) {
        CHECK(meter.note(10 * megabyte, true, begin_of_sending + at) < megabyte * 11 / 10);
    }
    CHECK(meter.note(10 * megabyte, true, begin_of_sending + 15'250ms) == 0);
    RateMeter other;
    (void)rates_of_bursts(other, 0ms, 10'000ms);
    CHECK(other.note(10 * megabyte, false, begin_of_sending + 10'250ms) == 0);
}

TEST_CASE("a pause before the sending does not count") {
    RateMeter meter;
    CHECK(meter.note(0, false, begin_of_sending - 1h) == 0);
    CHECK(meter.note(0, true, begin_of_sending) == 0);
    CHECK(meter.note(megabyte, true, begin_of_sending + 1s) == megabyte);
}

}  // namespace mistamover::stream
