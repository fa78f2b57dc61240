// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>

#include <mistamover/border.hpp>

namespace mistamover::test {

/// What a session is given by the core, without limits; says nothing.
class QuietContext final : public border::SessionContext {
  public:
    void log(LogLevel, std::string_view) noexcept override {}
    bool cancelled() const noexcept override { return is_cancelled; }
    int cancel_fd() const noexcept override { return -1; }
    std::int64_t stall_timeout_ms() const noexcept override { return stall_ms; }
    void acquire(std::uint64_t) noexcept override {}
    void progress(std::uint64_t) noexcept override {}
    std::atomic<bool> is_cancelled{false};
    std::int64_t stall_ms = 60'000;
};

}  // namespace mistamover::test
