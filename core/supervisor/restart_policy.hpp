// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

namespace mistamover::supervisor {

/// How long a process that has ended stays away before it is started again: 0.1 s, doubled with each end in a
/// row up to 2 s, of which up to a half is left out at random, so that many do not come back together. One
/// that had run for a minute begins anew. Pure.
class RestartPolicy {
  public:
    enum class First : std::uint8_t { waits, at_once };

    /// `first`: whether the first restart in a row waits as the others do.
    explicit RestartPolicy(First first = First::waits) noexcept : first_(first) {}

    /// To be asked once an end. `jitter` from 0 to 1.
    std::chrono::milliseconds next_pause(std::chrono::milliseconds lived, double jitter);

  private:
    First first_;
    unsigned ends_in_a_row_ = 0;
};

/// A number from 0 to 1, for next_pause.
double random_jitter();

}  // namespace mistamover::supervisor
