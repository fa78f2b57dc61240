// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/receipts.hpp"

#include <cerrno>
#include <optional>
#include <utility>

namespace mistamover::arrivals {

Receipts::Receipts(const Directory& incoming, const ArrivalJournal& journal, std::string receipt_extension,
                   const logging::Logger& log)
    : incoming_(incoming), journal_(journal), receipt_extension_(std::move(receipt_extension)), log_(log) {}

int Receipts::publish(ArrivalJournal::Number job, const std::string& name) const {
    const int error = journal_.publish_receipt(job, name, false);
    if (error != EEXIST) {
        return error;
    }
    const std::optional<std::string> old = incoming_.read_small(name, handshake_file_limit);
    return old && parse_receipt(*old) ? journal_.publish_receipt(job, name, true) : error;
}

Receipts::Thanks Receipts::thank(const std::string& name) const {
    const std::optional<std::string> text = incoming_.read_small(name, handshake_file_limit);
    const std::optional<ThankYou> thanks = text ? parse_thank_you(*text) : std::nullopt;
    if (!thanks) {
        return Thanks::unreadable;
    }
    const bool is_name = is_plain_name(thanks->receipt_name);
    const std::optional<std::string> receipt_text =
        is_name ? incoming_.read_small(thanks->receipt_name, handshake_file_limit) : std::nullopt;
    const bool is_there = receipt_text || (is_name && incoming_.look(thanks->receipt_name));
    const std::optional<Receipt> receipt = receipt_text ? parse_receipt(*receipt_text) : std::nullopt;
    // Only the monitor knew the name of the thank-you when it wrote that receipt.
    const bool is_own = receipt && receipt->thankyou_name == name;
    if (is_own) {
        incoming_.remove(thanks->receipt_name);
    }
    incoming_.remove(name);
    return is_own || (is_name && !is_there) ? Thanks::taken : Thanks::refused;
}

void Receipts::remove_older_than(std::chrono::milliseconds age) const {
    for (const std::string& name : incoming_.names()) {
        const std::optional<FileIdentity> file =
            has_extension(name, receipt_extension_) ? incoming_.look(name) : std::nullopt;
        if (!file || !file->is_file || age_of(*file) < age) {
            continue;
        }
        const std::optional<std::string> text = incoming_.read_small(name, handshake_file_limit);
        if (text && parse_receipt(*text) && incoming_.remove(name)) {
            log_.info("receipt " + name + " is removed: nobody has thanked for it");
        }
    }
}

}  // namespace mistamover::arrivals
