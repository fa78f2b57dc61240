// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/sender_handshake.hpp"

#include <utility>

#include "arrivals/handshake_names.hpp"

namespace mistamover::arrivals {
namespace {

using namespace std::chrono_literals;

// A receiver may write its receipt in place: half of one is none yet.
constexpr auto receipt_patience = 10s;

bool is_safe_thanks(std::string_view name) {
    return is_plain_name(name) && name.front() == '.';
}

}  // namespace

SenderHandshake::SenderHandshake(Control control, const Rules& rules, Clock::time_point now)
    : control_(std::move(control)), rules_(rules), last_counted_(now) {}

Judgement SenderHandshake::judge_receipt(const Receipt& receipt, bool data_there) const {
    const std::string thanks = is_safe_thanks(receipt.thankyou_name) ? receipt.thankyou_name : "";
    if (receipt.data_name != control_.data_name) {
        return {Verdict::failed, "the receipt is for another file", thanks};
    }
    if (receipt.status != ReceiptStatus::success) {
        return {Verdict::failed, "the receiver answers: " + std::string(to_string(receipt.status)), thanks};
    }
    if (receipt.size != control_.size || receipt.checksum != control_.checksum) {
        return {Verdict::failed, "the receipt says success, but of other bytes", thanks};
    }
    if (rules_.legacy_receiver && data_there) {
        return {Verdict::wait, "", thanks};
    }
    return {Verdict::arrived, "", thanks};
}

Judgement SenderHandshake::judge(const AnswerSeen& seen, Clock::time_point now) {
    const bool counts = now - last_counted_ >= rules_.poll_interval;
    if (counts) {
        ++counted_;
        last_counted_ = now;
    }
    Judgement judgement;
    const std::optional<Receipt> receipt = seen.receipt ? parse_receipt(*seen.receipt) : std::nullopt;
    if (receipt) {
        judgement = judge_receipt(*receipt, seen.data_there);
    } else if (seen.receipt_there) {
        unreadable_since_ = unreadable_since_.value_or(now);
        if (now - *unreadable_since_ >= receipt_patience) {
            return {Verdict::failed, "the receipt cannot be read", ""};
        }
    }
    if (judgement.verdict == Verdict::wait && counted_ >= rules_.poll_count) {
        return {Verdict::failed,
                receipt ? "the data file has not left the receiver's incoming directory" : "no receipt came",
                judgement.thankyou_name};
    }
    return judgement;
}

}  // namespace mistamover::arrivals
