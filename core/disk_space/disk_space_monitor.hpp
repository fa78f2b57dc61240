// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <mistamover/border.hpp>

#include "disk_space/deletion_plan.hpp"
#include "disk_space/forecast.hpp"
#include "disk_space/late_space.hpp"
#include "disk_space/space_policy.hpp"
#include "disk_space/stop_keeper.hpp"

namespace mistamover::disk_space {

/// Keeps one file system from filling: at each poll it looks how much is free, stops and frees streams with
/// `.stop` files, and says what is to be deleted. Looks at the disk through Disk alone. For one thread.
class DiskSpaceMonitor {
  public:
    using Clock = std::chrono::steady_clock;

    /// The file system, and the monitor's hands on it. What fails throws std::system_error.
    class Disk : public UnitSource, public StopKeeper::Stops {
      public:
        virtual Space space() = 0;
        /// What is told of units must be true from now on; until then it may be a while ago.
        virtual void look_anew() = 0;
        /// What has gone wrong besides, such as what keeps units from being told, each once; asked for after
        /// each plan.
        virtual std::vector<std::string> take_problems() { return {}; }
        /// False where the unit is not the one that was planned, or is in use. `about_to` is called just
        /// before anything is deleted; what fails then may leave all of it, or the rest of a directory.
        virtual bool remove_unit(std::size_t stream, const Unit& unit,
                                 const std::function<void()>& about_to) = 0;
        [[nodiscard]] virtual std::string path_of(std::size_t stream, const Unit& unit) const = 0;

      protected:
        ~Disk() = default;
    };
    using Log = std::function<void(LogLevel level, std::string_view text)>;

    struct Settings {
        Levels levels;
        std::int64_t base_priority = 100;
        std::chrono::milliseconds poll_interval{60'000};
        /// CPU time after which a poll leaves the rest, of `.stop` files and of looking for units, to the
        /// next.
        std::chrono::milliseconds step{std::chrono::hours{1}};
    };

    DiskSpaceMonitor(Settings settings, std::vector<process::MonitorStream> streams, Disk& disk, Log log);
    ~DiskSpaceMonitor() = default;
    DiskSpaceMonitor(const DiskSpaceMonitor&) = delete;
    DiskSpaceMonitor& operator=(const DiskSpaceMonitor&) = delete;

    /// Looks, and does what is to be done with `.stop` files. While VLOW, deletions are to follow until
    /// next_deletions gives none. Where has_more(), the next poll is to come soon, and goes on with this one.
    void poll(Clock::time_point now);
    /// Something had to be left to the next poll: `.stop` files, or the plan, which is told when it is whole.
    [[nodiscard]] bool has_more() const noexcept { return planner_.has_value() || stops_.has_more(); }

    /// Units of one stream.
    struct Batch {
        std::size_t stream = 0;
        std::vector<Unit> units;
        bool unanswered = false;  ///< Nobody has told which of them are allowed.
    };
    /// What is to be deleted next, in order, as report() tells it; empty where this poll is at its end: the
    /// plan is not whole yet, enough is free, or nothing is left to delete. In the last case every stream is
    /// stopped, in steps, unless units are under way and half of level_vlow is still free.
    Batch next_deletions();
    /// Deletes, of the batch, the units that are `allowed`, as long as there is `time_left` after one and
    /// they are still needed: the rest is left for the next batch. Where one that was told of as deleted
    /// turns out not to be, that is told, and it is left alone for ten minutes. Where very many fail, or
    /// nobody answers for them, and none goes, the stream's others are left until the next poll. Where it
    /// cannot be told how much is free, this poll is at its end.
    void carry_out(const Batch& batch, const std::function<bool(const Unit&)>& allowed,
                   const std::function<bool()>& time_left);

    /// When to poll again: the sooner, the nearer the next level is at the present rate.
    [[nodiscard]] std::chrono::milliseconds pause() const;
    [[nodiscard]] const process::DiskSpaceReport& report() const noexcept { return report_; }
    [[nodiscard]] const std::vector<process::MonitorStream>& streams() const noexcept { return streams_; }

  private:
    std::int64_t measure();
    void note_late_space(std::int64_t change);
    void take_state();
    void tell_forecast();
    void settle_stops(bool exhausted);
    void begin_round();
    void begin_plan();
    void go_on_planning();
    void report_plan();
    std::uint64_t delete_units(const Batch& batch, const std::function<bool(const Unit&)>& allowed,
                               const std::function<bool()>& time_left);
    enum class Deletion : std::uint8_t { done, refused, failed };
    [[nodiscard]] Deletion delete_unit(std::size_t stream, const Unit& unit);
    void not_deleted(std::size_t stream, const Unit& unit, const std::string& reason);
    [[nodiscard]] bool is_passed_over(std::size_t stream, const Unit& unit) const;
    [[nodiscard]] bool waits_for_units() const;
    [[nodiscard]] std::uint64_t needed() const;
    [[nodiscard]] bool can_delete() const;
    void failed(const std::string& what);

    Settings settings_;
    std::vector<process::MonitorStream> streams_;
    Disk& disk_;
    Log log_;
    StopKeeper stops_;
    std::vector<std::size_t> order_;
    Forecast forecast_;
    bool told_forecast_ = false;
    std::optional<SpaceState> state_;
    Space space_;
    Clock::time_point polled_at_;
    LateSpace late_;
    std::optional<DeletionPlanner> planner_;  ///< Of a plan that is not whole yet.
    bool plans_deletions_ = false;            ///< The last plan was begun while VLOW.
    std::vector<PlannedUnit> plan_;
    /// Units that could not be deleted in this round: stream, place and name.
    std::set<std::tuple<std::size_t, UnitPlace, std::string>> passed_over_;
    std::set<std::size_t> streams_passed_over_;
    /// Units that were told of as deleted and are there yet, with when: stream, place, name and inode.
    std::map<std::tuple<std::size_t, UnitPlace, std::string, std::uint64_t>, Clock::time_point> not_deleted_;
    bool some_under_way_ = false;  ///< Of those, some are in use and may soon go by themselves.
    bool cut_short_ = false;       ///< In this round, how much is free could not be told any more.
    bool told_exhausted_ = false;
    process::DiskSpaceReport report_;
};

}  // namespace mistamover::disk_space
