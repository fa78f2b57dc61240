// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <mistamover/status.hpp>

#include "stream/retry_policy.hpp"

namespace mistamover::stream {

/// Whether the target can be used at present: how sessions have fared lately, and how long to keep away.
/// Pure: takes the time as an argument. Used by one thread.
class TargetHealth {
  public:
    using Clock = std::chrono::steady_clock;

    explicit TargetHealth(RetryPolicy policy) : policy_(policy) {}

    enum class News : std::uint8_t {
        stream_failed,  ///< Nothing will succeed until somebody mends something; told once.
        first_failure,  ///< It was well until now.
        further_failure,
        recovered,
        none,
    };
    /// A session failed, with `status` of session or stream scope. `jitter` as in RetryPolicy.
    News failed(const Status& status, Clock::time_point now, double jitter);
    /// A session has worked in a job that was begun then: of no account where it has failed since.
    News worked(Clock::time_point begun);
    /// The target has a .stop file: keep away until then.
    void suspend(Clock::time_point until) { suspended_until_ = until; }

    [[nodiscard]] bool well() const noexcept { return failures_ == 0 && !stream_failure_; }
    [[nodiscard]] const std::optional<Status>& stream_failure() const noexcept { return stream_failure_; }
    /// The last failure; only where not well.
    [[nodiscard]] const Status& failure() const noexcept { return failure_; }
    /// How many sessions in a row have failed.
    [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }
    [[nodiscard]] bool backs_off(Clock::time_point now) const noexcept { return now < back_off_until_; }
    [[nodiscard]] bool suspended(Clock::time_point now) const noexcept { return now < suspended_until_; }
    /// When it may be tried again, where that is in the future.
    [[nodiscard]] std::optional<Clock::time_point> next_try(Clock::time_point now) const;

  private:
    RetryPolicy policy_;
    std::optional<Status> stream_failure_;
    Status failure_;
    std::uint32_t failures_ = 0;
    Clock::time_point failed_at_{};
    Clock::time_point back_off_until_{};
    Clock::time_point suspended_until_{};
};

}  // namespace mistamover::stream
