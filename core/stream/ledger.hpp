// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logging/client.hpp"
#include "stream/retry_policy.hpp"
#include "stream/source_directory.hpp"
#include "stream/unit_queue.hpp"
#include "stream/unit_result.hpp"

namespace mistamover::stream {

/// Keeps account of what becomes of each unit that a worker has tried: gone from the queue, tried again, or
/// quarantined. Lives on the event loop's thread.
class Ledger {
  public:
    using Clock = UnitQueue::Clock;

    /// All must outlive the ledger.
    Ledger(const config::StreamSettings& settings, bool one_off, SourceDirectory& source, UnitQueue& queue,
           const logging::Logger& log);

    void take_in(const std::vector<UnitResult>& units, Clock::time_point now);
    /// What was found at the start: an earlier process was ended while it deleted it. `was_delivered`: and
    /// what was found is the rest of it.
    void recovered(const SourceDirectory::Recovered& unit, bool was_delivered);
    /// Where others were let go before many a unit since it last did, it was not for these units: they count
    /// as any other again.
    void target_recovered();
    /// Logs it as an error, and keeps it as the last one.
    void note_error(std::string_view text);
    /// One-off: what is left behind, with why.
    void leave(const std::string& name, const std::string& reason);

    [[nodiscard]] std::uint64_t delivered_units() const noexcept { return delivered_units_; }
    [[nodiscard]] std::uint64_t delivered_bytes() const noexcept { return delivered_bytes_; }
    [[nodiscard]] std::uint64_t quarantined() const noexcept { return quarantined_; }
    /// Before so many units others were let go at least once.
    [[nodiscard]] std::uint32_t passed_over_units() const noexcept { return passed_over_units_; }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    /// Seconds since 1970; 0: there was none.
    [[nodiscard]] std::int64_t last_error_time() const noexcept { return last_error_time_; }
    /// The completion file was delivered.
    [[nodiscard]] bool completion_seen() const noexcept { return completion_seen_; }
    /// One-off: what was left behind, with why.
    [[nodiscard]] const std::vector<UnitQueue::Left>& given_up() const noexcept { return given_up_; }

  private:
    void take_in_unit(const UnitResult& unit, Clock::time_point now);
    [[nodiscard]] bool is_excluded(const std::string& name) const;
    void drop(const UnitResult& unit);
    void delivered(const UnitResult& unit);
    [[nodiscard]] bool is_first_wait(const std::string& name);
    void left_behind(const UnitResult& unit);
    void passed_over(const UnitResult& unit, Clock::time_point now);
    void gone(const std::string& name);
    void failed(const UnitResult& unit, Clock::time_point now);
    void give_up(const UnitResult& unit, const std::string& what, Clock::time_point now);
    void keep(const std::string& name, const std::string& reason, Clock::time_point now, bool wakes);

    const config::StreamSettings& settings_;
    bool one_off_;
    SourceDirectory& source_;
    UnitQueue& queue_;
    const logging::Logger& log_;
    RetryPolicy retry_policy_;
    std::mt19937 random_{std::random_device{}()};
    Clock::time_point started_ = Clock::now();
    std::vector<std::string> lines_;  ///< For the log, written together.
    std::uint64_t delivered_units_ = 0;
    std::uint64_t delivered_bytes_ = 0;
    std::uint64_t quarantined_ = 0;
    std::uint32_t passed_over_units_ = 0;
    std::uint32_t passed_over_before_ = 0;  ///< Of these, when the target last recovered.
    std::string last_error_;
    std::int64_t last_error_time_ = 0;
    bool completion_seen_ = false;
    std::vector<UnitQueue::Left> given_up_;
    std::set<std::string> have_waited_;  ///< One-off: those that had to settle.
};

}  // namespace mistamover::stream
