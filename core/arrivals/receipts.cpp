// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/receipts.hpp"

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

namespace mistamover::arrivals {
namespace {

constexpr std::size_t most_remembered = 100'000;

}  // namespace

Receipts::Receipts(const Directory& incoming, const ArrivalJournal& journal, std::string receipt_extension,
                   const logging::Logger& log)
    : incoming_(incoming), journal_(journal), receipt_extension_(std::move(receipt_extension)), log_(log) {}

int Receipts::publish(ArrivalJournal::Number job, const std::string& name, const std::string& thankyou_name) {
    int error = journal_.publish_receipt(job, name, false);
    if (error == EEXIST) {
        const std::optional<std::string> old = incoming_.read_small(name, handshake_file_limit);
        error = old && parse_receipt(*old) ? journal_.publish_receipt(job, name, true) : error;
    }
    if (error == 0 && published_.size() < most_remembered) {
        published_.insert_or_assign(thankyou_name, name);
    }
    return error;
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
        const std::optional<std::string> text = incoming_.read_small(receipt_name, handshake_file_limit);
        const std::optional<Receipt> receipt = text ? parse_receipt(*text) : std::nullopt;
        is_own = receipt && receipt->thankyou_name == name;
    }
    return is_own && incoming_.remove(receipt_name);
}

void Receipts::remove_older_than(std::chrono::milliseconds age) {
    for (const std::string& name : incoming_.names()) {
        const std::optional<FileIdentity> file =
            has_extension(name, receipt_extension_) ? incoming_.look(name) : std::nullopt;
        if (!file || !file->is_file || age_of(*file) < age) {
            continue;
        }
        const std::optional<std::string> text = incoming_.read_small(name, handshake_file_limit);
        const std::optional<Receipt> receipt = text ? parse_receipt(*text) : std::nullopt;
        if (receipt && incoming_.remove(name)) {
            published_.erase(receipt->thankyou_name);
            log_.info("receipt " + name + " is removed: nobody has thanked for it");
        }
    }
}

}  // namespace mistamover::arrivals
