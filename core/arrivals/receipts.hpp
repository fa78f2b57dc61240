// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <string>

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
    [[nodiscard]] int publish(ArrivalJournal::Number job, const std::string& name) const;

    enum class Thanks {
        taken,       ///< The receipt is gone, and the thank-you.
        refused,     ///< It named a file that is not its own, which stays; the thank-you is gone.
        unreadable,  ///< As yet, or for good.
    };
    [[nodiscard]] Thanks thank(const std::string& name) const;

    void remove_older_than(std::chrono::milliseconds age) const;

  private:
    const Directory& incoming_;
    const ArrivalJournal& journal_;
    std::string receipt_extension_;
    logging::Logger log_;
};

}  // namespace mistamover::arrivals
