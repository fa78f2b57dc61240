// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/handshake_files.hpp"
#include "arrivals/handshake_names.hpp"
#include "config/settings.hpp"
#include "logging/client.hpp"

namespace mistamover::arrivals {

/// The receipts in the incoming directory: published, thanked for, or too old. Touches only files that are
/// receipts, and thank-you files. Used by one thread; its arguments must outlive it.
class Receipts {
  public:
    Receipts(const config::IncomingSettings& settings, const Directory& incoming,
             const ArrivalJournal& journal, const logging::Logger& log);

    /// Whether the receipt that the control file asks for is there, and tells that its data was accepted.
    [[nodiscard]] bool tells_success(const Control& control) const;
    /// Gives the job's receipt the name that the control file asks for. One of that name that is there is
    /// replaced, but not one that tells_success() by another status (EALREADY); any other file is not. 0, or
    /// the errno.
    [[nodiscard]] int publish(ArrivalJournal::Number job, const Control& control, const Receipt& receipt);

    /// Removes the thank-you file `name`, and the receipt that it is for; false where that is not its own,
    /// and stays.
    [[nodiscard]] bool thank(const std::string& name, const ThankYou& thank_you);

    /// By whatever name its sender has asked for it.
    void remove_older_than(std::chrono::milliseconds age);

  private:
    [[nodiscard]] std::optional<Receipt> read(const std::string& name) const;
    [[nodiscard]] int replace(ArrivalJournal::Number job, const Control& control,
                              const Receipt& receipt) const;
    [[nodiscard]] bool remove_thanked(const std::string& name, const std::string& receipt_name);

    const config::IncomingSettings& settings_;
    const Directory& incoming_;
    const ArrivalJournal& journal_;
    logging::Logger log_;
    /// Thank-you name to receipt name of what this process has published: it need not be read again.
    std::unordered_map<std::string, std::string> published_;
};

}  // namespace mistamover::arrivals
