// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stream/source_directory.hpp"

namespace mistamover::stream {

/// In mirror mode the directory as a whole is the one unit.
inline constexpr char whole_directory[] = ".";

/// Which units there are, which is next, and which wait until when: oldest first. One that others were let go
/// before is taken alone from then on, since it may be what breaks its session. Pure: takes the time as an
/// argument and looks at no disk. Used by one thread.
class UnitQueue {
  public:
    using Clock = std::chrono::steady_clock;

    /// Makes a unit known, or takes note that a known one may have changed: one that waits to be written
    /// completely becomes due; one that is in flight is due again when it comes back.
    void add(const Candidate& candidate);
    /// Makes a unit known that is on its way already, as if it had been taken.
    void add_in_flight(const Candidate& candidate);
    /// Takes up to `count` due units, of at most about `bytes` together but at least one.
    std::vector<Candidate> take(std::size_t count, std::uint64_t bytes, Clock::time_point now);
    /// Takes a due unit, if there is one: the oldest of those that others were let go before least often.
    std::vector<Candidate> take_one(Clock::time_point now);

    /// The ends of a unit that was taken.
    void done(const std::string& name);
    /// Like done, but a unit that was added again meanwhile is due again.
    void done_unless_changed(const std::string& name);
    void put_back(const std::string& name);
    /// Due again at `when`, or, if `wakes`, as soon as it changes.
    void wait(const std::string& name, Clock::time_point when, bool wakes, std::string reason);
    /// Forgets the unit, and does not know it again before it is released: it is about to be deleted. False
    /// where it is in flight, and stays so.
    [[nodiscard]] bool hold(const std::string& name);
    /// Whatever is held may be added again. Returns it.
    std::set<std::string> release() { return std::exchange(held_, {}); }
    /// Counts a failed try, and returns how many there have been.
    std::uint32_t count_failure(const std::string& name);
    /// Counts that others were let go before it, and returns how often that was.
    std::uint32_t count_pass(const std::string& name);
    /// As if no others had ever been let go before any, but for units of which that was forgotten before.
    void forget_passes();
    /// Counts that it was found to be still written, and returns how often that was since it changed.
    std::uint32_t count_written(const std::string& name) { return ++units_.at(name).times_written; }
    /// Others were let go before it at least once.
    [[nodiscard]] bool was_passed_over(const std::string& name) const;

    [[nodiscard]] bool knows(const std::string& name) const { return units_.contains(name); }
    [[nodiscard]] std::size_t due(Clock::time_point now);
    [[nodiscard]] std::size_t size() const noexcept { return units_.size(); }
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::optional<Clock::time_point> next_due() const;

    struct Left {
        std::string name;
        std::string reason;
        bool in_flight = false;
    };
    /// Everything that is not delivered, with why it waits; no reason where it has not waited since it was
    /// taken.
    [[nodiscard]] std::vector<Left> left() const;
    struct Waiting {
        std::string name;
        std::string reason;
        bool failed = false;  ///< Its last try has failed, so that it waits for the next one.
    };
    /// One that waits, with why: the first that has failed, else the first of all.
    [[nodiscard]] std::optional<Waiting> first_waiting() const;
    /// True where something waits for a retry, not for a writer.
    [[nodiscard]] bool retries_pending() const;

  private:
    enum class Place : std::uint8_t { ready, waiting, in_flight };
    struct Unit {
        Identity identity;
        Place place = Place::ready;
        Clock::time_point due{};
        bool wakes = false;
        bool changed = false;
        bool failed = false;
        std::uint32_t failures = 0;
        std::uint32_t passes = 0;
        std::uint32_t times_written = 0;
        bool forgiven = false;
        std::string reason;
    };
    struct Key {
        std::uint32_t passes = 0;
        std::int64_t mtime_ns = 0;
        std::string name;
        bool operator<(const Key& other) const {
            return std::tie(passes, mtime_ns, name) < std::tie(other.passes, other.mtime_ns, other.name);
        }
    };

    static Key key_of(const std::string& name, const Unit& unit) {
        return {unit.passes, unit.identity.mtime_ns, name};
    }
    [[nodiscard]] std::set<Key>::const_iterator oldest_ready() const;
    Candidate take_ready(std::set<Key>::const_iterator which);
    void make_ready(const std::string& name, Unit& unit);
    void leave_waiting(const std::string& name, const Unit& unit);
    void wake_due(Clock::time_point now);

    std::unordered_map<std::string, Unit> units_;
    std::set<Key> ready_;
    std::set<std::string> held_;
    std::set<std::pair<Clock::time_point, std::string>> waiting_;
    std::size_t in_flight_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace mistamover::stream
