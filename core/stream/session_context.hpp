// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <mistamover/border.hpp>

#include "logging/client.hpp"
#include "process/unique_fd.hpp"
#include "stream/rate_limiter.hpp"

namespace mistamover::stream {

/// Tells all sessions of a stream to give up what they are doing; once set it stays set. Safe from any
/// thread.
class CancelToken {
  public:
    CancelToken();
    void cancel() noexcept;
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    [[nodiscard]] int fd() const noexcept { return event_.get(); }

  private:
    std::atomic<bool> cancelled_{false};
    process::UniqueFd event_;
};

/// What the sessions of one stream share: the core's side of the SDK's SessionContext. Safe from several
/// threads.
class StreamSessionContext final : public border::SessionContext {
  public:
    StreamSessionContext(logging::Logger logger, const CancelToken& cancel, std::uint64_t bandwidth_limit,
                         std::chrono::milliseconds stall_timeout)
        : logger_(std::move(logger)),
          cancel_(cancel),
          limiter_(bandwidth_limit),
          stall_timeout_(stall_timeout) {}

    void log(LogLevel level, std::string_view text) noexcept override { logger_.log(level, text); }
    bool cancelled() const noexcept override { return cancel_.cancelled(); }
    int cancel_fd() const noexcept override { return cancel_.fd(); }
    std::int64_t stall_timeout_ms() const noexcept override { return stall_timeout_.count(); }
    void acquire(std::uint64_t bytes) noexcept override;
    void progress(std::uint64_t bytes) noexcept override { bytes_ += bytes; }

    [[nodiscard]] const CancelToken& cancel_token() const noexcept { return cancel_; }
    /// Bytes that the sessions said they have sent.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  private:
    logging::Logger logger_;
    const CancelToken& cancel_;
    RateLimiter limiter_;
    const std::chrono::milliseconds stall_timeout_;
    std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace mistamover::stream
