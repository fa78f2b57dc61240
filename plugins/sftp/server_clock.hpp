// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace mistamover::sftp {

/// How far the times that a server gives its files are ahead of this machine's clock: as much as was ever
/// seen, or a little more. That a server is behind is not taken into account: its clock may have fallen
/// behind after a file was stored, which would then count as younger than it is. Used by one thread.
class ServerClock {
  public:
    using Time = std::chrono::nanoseconds;
    /// By this machine's clocks: since 1970, which may be set at any time, and since some start.
    struct Moment {
        Time since_1970;
        Time steady;

        [[nodiscard]] static Moment now();
    };

    /// Whether it is to be looked at again: an hour after the last try, or a minute where that told nothing.
    [[nodiscard]] bool is_due(const Moment& now) const;
    /// A file was to be stored after `begin`. At `end` it had the time `told`, in seconds since 1970; nothing
    /// where that could not be seen.
    void note(const Moment& begin, const Moment& end, std::optional<std::uint32_t> told);
    /// When what the server tells `told` of was stored, by this machine's clock, or earlier; `told` itself
    /// where nothing is known. Since 1970.
    [[nodiscard]] Time time_of(Time told) const { return told - ahead_; }

  private:
    std::optional<Time> due_;  ///< By the steady clock; at once where there is none.
    Time ahead_{0};
};

}  // namespace mistamover::sftp
