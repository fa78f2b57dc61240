// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/workers.hpp"

namespace mistamover::arrivals {

struct ChecksumRequest {
    ArrivalJournal::Number job = 0;
    int directory_fd = -1;  ///< Must stay open until the result is there.
    std::string name;
    std::uint64_t size = 0;  ///< So many bytes, or all where there are fewer.
    std::string algorithm;

    [[nodiscard]] std::uint64_t weight() const noexcept { return size; }
};

struct ChecksumResult {
    ArrivalJournal::Number job = 0;
    std::optional<std::string> digest;  ///< Nothing where the file could not be read.
    int error = 0;                      ///< The errno that tells why; 0: it could.
    std::string refusal;                ///< What tells why instead, where it is not the file's fault.
};

/// Computes the checksums of several files at once.
class ChecksumPool : public Workers<ChecksumRequest, ChecksumResult> {
  public:
    explicit ChecksumPool(std::function<void()> on_result);
    /// Gives up what is in hand.
    ~ChecksumPool();
    ChecksumPool(const ChecksumPool&) = delete;
    ChecksumPool& operator=(const ChecksumPool&) = delete;

  private:
    ChecksumPool(std::function<void()> on_result, std::stop_source ending);

    std::stop_source ending_;
};

}  // namespace mistamover::arrivals
