// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/handshake_files.hpp"
#include "arrivals/handshake_names.hpp"
#include "logging/client.hpp"

namespace mistamover::arrivals {

/// The receipts in the incoming directory: published, thanked for, or too old. Touches only files that are
/// receipts, and thank-you files. Used by one thread; its arguments must outlive it.
class Receipts {
  public:
    Receipts(const Directory& incoming, const ArrivalJournal& journal, std::string receipt_extension,
             const logging::Logger& log);

    /// Gives the job's receipt its name; one of that name that is there is replaced, any other file is not.
    /// 0, or the errno.
    [[nodiscard]] int publish(ArrivalJournal::Number job, const std::string& name,
                              const std::string& thankyou_name);

    /// Removes the thank-you file `name`, and the receipt that it is for; false where that is not its own,
    /// and stays.
    [[nodiscard]] bool thank(const std::string& name, const ThankYou& thank_you);

    void remove_older_than(std::chrono::milliseconds age);

  private:
    [[nodiscard]] bool remove_thanked(const std::string& name, const std::string& receipt_name);

    const Directory& incoming_;
    const ArrivalJournal& journal_;
    std::string receipt_extension_;
    logging::Logger log_;
    /// Thank-you name to receipt name of what this process has published: it need not be read again.
    std::unordered_map<std::string, std::string> published_;
};

}  // namespace mistamover::arrivals
