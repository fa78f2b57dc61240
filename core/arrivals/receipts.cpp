// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/receipts.hpp"

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

namespace mistamover::arrivals {
namespace {

constexpr std::size_t most_remembered = 100'000;

// For the sender, of what the control file announces.
bool is_proof(const Receipt& receipt, const Control& control) {
    return receipt.status == ReceiptStatus::success && receipt.data_name == control.data_name &&
           receipt.size == control.size && receipt.checksum == control.checksum;
}

}  // namespace

Receipts::Receipts(const config::IncomingSettings& settings, const Directory& incoming,
                   const ArrivalJournal& journal, const logging::Logger& log)
    : settings_(settings), incoming_(incoming), journal_(journal), log_(log) {}

std::optional<Receipt> Receipts::read(const std::string& name) const {
    const std::optional<std::string> text = incoming_.read_small(name, handshake_file_limit);
    return text ? parse_receipt(*text) : std::nullopt;
}

bool Receipts::tells_success(const Control& control) const {
    const std::optional<Receipt> receipt = read(control.receipt_name);
    return receipt && is_proof(*receipt, control);
}

int Receipts::publish(ArrivalJournal::Number job, const Control& control, const Receipt& receipt) {
    int error = journal_.publish_receipt(job, control.receipt_name, false);
    if (error == EEXIST) {
        error = replace(job, control, receipt);
    }
    if (error == 0 && published_.size() < most_remembered) {
        published_.insert_or_assign(receipt.thankyou_name, control.receipt_name);
    }
    return error;
}

int Receipts::replace(ArrivalJournal::Number job, const Control& control, const Receipt& receipt) const {
    const Directory::SmallFile file = incoming_.open_small(control.receipt_name, handshake_file_limit);
    if (file.passing_error != 0) {
        return file.passing_error;
    }
    const std::optional<Receipt> old = file.text ? parse_receipt(*file.text) : std::nullopt;
    if (!old) {
        return EEXIST;
    }
    // The control file has come a second time, after its data was delivered.
    if (receipt.status != ReceiptStatus::success && is_proof(*old, control)) {
        log_.info("receipt " + control.receipt_name + " stays: " + control.data_name +
                  " was accepted before");
        return EALREADY;
    }
    return journal_.publish_receipt(job, control.receipt_name, true);
}

bool Receipts::thank(const std::string& name, const ThankYou& thank_you) {
    const bool is_name = is_plain_name(thank_you.receipt_name);
    const bool thanked = is_name && remove_thanked(name, thank_you.receipt_name);
    incoming_.remove(name);
    return thanked || (is_name && !incoming_.look(thank_you.receipt_name));
}

// Only the monitor knew the name of the thank-you when it wrote the receipt.
bool Receipts::remove_thanked(const std::string& name, const std::string& receipt_name) {
    const auto known = published_.find(name);
    bool is_own = known != published_.end() && known->second == receipt_name;
    if (is_own) {
        published_.erase(known);
    } else {
        const std::optional<Receipt> receipt = read(receipt_name);
        is_own = receipt && receipt->thankyou_name == name;
    }
    return is_own && incoming_.remove(receipt_name);
}

void Receipts::remove_older_than(std::chrono::milliseconds age) {
    for (const std::string& name : incoming_.names()) {
        const bool may_be_receipt = is_answer_name(
            name, settings_.stop_file, settings_.control_file_extension, settings_.thankyou_file_extension);
        const std::optional<FileIdentity> file = may_be_receipt ? incoming_.look(name) : std::nullopt;
        if (!file || !file->is_file || age_of(*file) < age) {
            continue;
        }
        const std::optional<Receipt> receipt = read(name);
        // Nothing else is left of one by some power failures.
        const bool is_empty = file->size == 0 && has_extension(name, settings_.receipt_file_extension);
        if ((receipt || is_empty) && incoming_.remove(name)) {
            if (receipt) {
                published_.erase(receipt->thankyou_name);
            }
            log_.info("receipt " + name + " is removed: nobody has thanked for it");
        }
    }
}

}  // namespace mistamover::arrivals
