// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "stream/manifest.hpp"

namespace mistamover::stream {

/// What was seen of units that may not be complete, and since when: by the steady clock, which nobody sets
/// and no server has another of. The sessions of a stream share it; safe from several threads.
class Settling {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t most_units = 100'000;

    /// Remembers no more than `most` units at once; others have to wait until some of these have settled.
    explicit Settling(std::size_t most = most_units) : most_(most) {}

    /// Takes note of a look at unit `name`. How much longer it must be seen as it is, from the end of the
    /// look, until it has been so for `needed`; 0 or less: it has. It stays remembered, so that it need not
    /// settle again where it could not be sent, but no longer than for a while, of a mirror not before whole
    /// passes have not seen it, and only where there is room.
    std::chrono::milliseconds time_left(const std::string& name, const Look& look,
                                        std::chrono::milliseconds needed);
    /// A mirror's pass begins, which looks at all there is: the wall clock shows `now` at the moment `at` of
    /// the steady clock, or a little later.
    void note_clocks(std::chrono::system_clock::time_point now, Clock::time_point at);
    /// Takes note of the clocks, too. What the wall clock would show at `at` had nobody set it forward since
    /// the first note.
    std::chrono::system_clock::time_point without_steps_forward(std::chrono::system_clock::time_point now,
                                                                Clock::time_point at);
    /// Whatever has the name next is seen for the first time.
    void forget(const std::string& name);
    [[nodiscard]] std::size_t size() const;

  private:
    struct Seen {
        std::uint64_t bytes = 0;
        std::int64_t newest_change_ns = 0;
        std::size_t hash = 0;  ///< Of all names, sizes and times.
        bool operator==(const Seen&) const = default;
    };
    struct Unit {
        Seen seen;
        Clock::time_point since{};  ///< The end of the first look that has seen it so.
        Clock::time_point due{};    ///< When it is to be looked at again.
        std::uint64_t pass = 0;     ///< The last one that has seen it.
        bool settled = false;
    };
    static Seen seen_in(const Look& look);
    void note(std::chrono::system_clock::time_point now, Clock::time_point at);
    [[nodiscard]] bool is_out_of_sight(const Unit& unit, Clock::time_point now) const;
    void tidy(Clock::time_point now);

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Unit> units_;
    Clock::time_point tidied_{};
    std::uint64_t passes_ = 0;  ///< That have begun; 0 where it is no mirror.
    /// By how much the wall clock was ahead of the steady one, when that was least.
    std::chrono::nanoseconds least_ahead_ = std::chrono::nanoseconds::max();
};

}  // namespace mistamover::stream
