// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <mutex>
#include <vector>

namespace mistamover::ftp {

/// What is known of the times that a server tells: how far they are ahead of this machine's, or more, up to a
/// minute. vsftpd may tell those of its own time zone, each by the rule of that time's own date (summer or
/// winter), and any clock may be wrong, and be mended. All times are since 1970 by this machine's clock, but
/// what is told. Safe from several threads.
class ServerClock {
  public:
    using Time = std::chrono::nanoseconds;
    /// At a file that was stored for that.
    struct Look {
        Time before;  ///< It was not there yet.
        Time after;   ///< It was.
        Time told;    ///< What the server tells of it, in whole seconds.
    };

    /// Whether it is to be looked at again: an hour after the last try, or a minute where nothing is known.
    [[nodiscard]] bool is_due(Time now) const;
    /// A look was tried, whatever came of it.
    void note_try(Time now);
    /// One that took longer than a minute tells too little, as does one over which this machine's clock was
    /// set back: they are left out.
    void note(const Look& look);
    /// When what the server tells `told` of was stored, or earlier, as far as offsets that this object has
    /// seen tell it; `told` itself where it has seen none. What was stored before the first of them, at
    /// another time of the year, may be an hour later or earlier.
    [[nodiscard]] Time time_of(Time told) const;

  private:
    struct Period {
        Time since;  ///< When it was first seen; the one before has ended by then.
        Time ahead;  ///< The most that was seen.
    };

    mutable std::mutex mutex_;
    Time tried_{0};
    std::vector<Period> periods_;
};

}  // namespace mistamover::ftp
