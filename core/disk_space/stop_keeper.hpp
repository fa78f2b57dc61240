// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

#include "disk_space/space_policy.hpp"
#include "process/disk_space_messages.hpp"

namespace mistamover::disk_space {

/// Stops and frees the streams of one file system with `.stop` files, as its state asks for. Sees the files
/// through Stops alone. What fails is told, and keeps nothing else from being done. For one thread.
class StopKeeper {
  public:
    /// The `.stop` files, by their paths. What fails throws std::system_error.
    class Stops {
      public:
        virtual StopSeen look_for_stop(const std::string& path) = 0;
        virtual bool place_stop(const std::string& path) = 0;
        virtual bool remove_stop(const std::string& path) = 0;
        /// What the monitor made in earlier times, wherever no stream has a `.stop` any more.
        virtual std::vector<std::string> obsolete_stops() = 0;

      protected:
        ~Stops() = default;
    };
    struct Tell {
        std::function<void(LogLevel level, std::string_view text)> log;
        std::function<void(const std::string& what)> failed;
    };
    /// Streams that a `.stop` of the monitor's holds back.
    struct Stopped {
        std::uint64_t count = 0;
        std::vector<std::string> names;  ///< The first of them.
    };

    /// `streams` and `stops` must outlive it. `step`: CPU time after which settle() leaves the rest to its
    /// next call.
    StopKeeper(const std::vector<process::MonitorStream>& streams, std::int64_t base_priority,
               std::chrono::milliseconds step, Stops& stops, Tell tell);

    /// The file system's state, before anything is settled, and whenever it was measured since.
    void entered(SpaceState state);
    /// Makes and removes what the state asks for; `exhausted`: it is VLOW, and nothing is left to delete.
    Stopped settle(bool exhausted);
    /// A settling where something is left to delete has come to no end.
    [[nodiscard]] bool has_more() const noexcept { return put_off_ != 0; }
    void remove_obsolete();

  private:
    [[nodiscard]] StopSeen settle_one(std::size_t stream, std::size_t file, bool exhausted,
                                      const std::function<bool()>& may_act);
    [[nodiscard]] StopSeen act(StopAction action, std::size_t stream, std::size_t file, StopSeen seen);

    const std::vector<process::MonitorStream>& streams_;
    std::int64_t base_priority_;
    std::chrono::milliseconds step_;
    Stops& stops_;
    Tell tell_;
    SpaceState state_ = SpaceState::good;
    std::vector<std::vector<bool>> placed_;  ///< By stream and `.stop` file: see StreamStanding.
    std::size_t put_off_ = 0;  ///< The first `.stop` file left to the next call, of all in a row; 0: none.
    std::size_t put_off_exhausted_ = 0;  ///< The same where nothing is left to delete.
};

}  // namespace mistamover::disk_space
