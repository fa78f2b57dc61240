// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/sender_handshake.hpp"

#include <doctest/doctest.h>
#include <vector>

namespace mistamover::arrivals {
namespace {

using namespace std::chrono_literals;

const Control control{"f", 17, "ab", ".f.r"};
const SenderHandshake::Clock::time_point start{};

AnswerSeen seen(const std::string& text) {
    return {true, text, false};
}

AnswerSeen seen(const Receipt& receipt) {
    return seen(to_text(receipt));
}

Judgement judge(const AnswerSeen& answer, std::chrono::milliseconds after = 1s) {
    return SenderHandshake(control, {3, 5s, false}, start).judge(answer, start + after);
}

}  // namespace

TEST_CASE("of all receipts one alone is proof") {
    const Receipt good{"f", ReceiptStatus::success, 17, "ab", ".f.t"};
    std::vector<Receipt> receipts(9, good);
    receipts[1].status = ReceiptStatus::bad_size;
    receipts[2].status = ReceiptStatus::bad_checksum;
    receipts[3].status = ReceiptStatus::io_error;
    receipts[4].status = ReceiptStatus::no_such_file;
    receipts[5].data_name = "g";
    receipts[6].size = 18;
    receipts[7].size.reset();
    receipts[8].checksum = "cd";
    CHECK(judge(seen(receipts[0])).verdict == Verdict::arrived);
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const Judgement judgement = judge(seen(receipts[i]));
        CHECK(judgement.verdict == (i == 0 ? Verdict::arrived : Verdict::failed));
        CHECK(judgement.thankyou_name == ".f.t");
        CHECK(judgement.reason.empty() == (i == 0));
    }
}

TEST_CASE("a receipt is thanked for under a name that is its own only") {
    for (const std::string name : {"", "f", "..", "/etc/x", ".a/b"}) {
        CHECK(judge(seen(Receipt{"f", ReceiptStatus::success, 17, "ab", name})).thankyou_name.empty());
    }
}

TEST_CASE("a receipt that cannot be read may still be arriving, for ten seconds") {
    for (const AnswerSeen& answer : {seen("garbage"), seen("_start_stager_receipt_data_\nf\n0\n"),
                                     AnswerSeen{true, std::nullopt, false}}) {
        SenderHandshake handshake(control, {100, 5s, false}, start);
        CHECK(handshake.judge(answer, start + 1s).verdict == Verdict::wait);
        CHECK(handshake.judge(answer, start + 10s).verdict == Verdict::wait);
        CHECK(handshake.judge(answer, start + 11s).verdict == Verdict::failed);
    }
}

TEST_CASE("no receipt: so many looks, at least an interval apart, and no more") {
    SenderHandshake handshake(control, {3, 5s, false}, start);
    for (int i = 1; i < 300; ++i) {
        CHECK(handshake.judge({}, start + i * 50ms).verdict == Verdict::wait);
    }
    CHECK(handshake.judge({}, start + 15s).verdict == Verdict::failed);
}

TEST_CASE("looks that were never answered do not count") {
    SenderHandshake handshake(control, {3, 5s, false}, start);
    CHECK(handshake.judge({}, start + 1h).verdict == Verdict::wait);
    CHECK(handshake.judge({}, start + 2h).verdict == Verdict::wait);
    CHECK(handshake.judge({}, start + 3h).verdict == Verdict::failed);
}

TEST_CASE("a legacy receiver has it once the data file has left its incoming directory too") {
    SenderHandshake handshake(control, {3, 5s, true}, start);
    AnswerSeen answer = seen(Receipt{"f", ReceiptStatus::success, 17, "ab", ".f.t"});
    answer.data_there = true;
    CHECK(handshake.judge(answer, start + 1s).verdict == Verdict::wait);
    answer.data_there = false;
    CHECK(handshake.judge(answer, start + 2s).verdict == Verdict::arrived);
    answer.data_there = true;
    CHECK(handshake.judge(answer, start + 5s).verdict == Verdict::wait);
    CHECK(handshake.judge(answer, start + 10s).verdict == Verdict::wait);
    const Judgement last = handshake.judge(answer, start + 15s);
    CHECK(last.verdict == Verdict::failed);
    CHECK(last.thankyou_name == ".f.t");
}

}  // namespace mistamover::arrivals
