// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>

#include "logging/client.hpp"

namespace mistamover::arrivals {

/// Logs errors, and keeps the last of them for `mistamover status`.
class LastError {
  public:
    explicit LastError(logging::Logger log) : log_(std::move(log)) {}

    void note(const std::string& text) {
        log_.error(text);
        text_ = text;
        time_ = std::time(nullptr);
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// Seconds since 1970; 0: there was none.
    [[nodiscard]] std::int64_t time() const noexcept { return time_; }

  private:
    logging::Logger log_;
    std::string text_;
    std::int64_t time_ = 0;
};

}  // namespace mistamover::arrivals
