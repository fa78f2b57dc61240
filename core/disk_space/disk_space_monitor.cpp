// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/disk_space_monitor.hpp"

#include <algorithm>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include <mistamover/units.hpp>

#include "disk_space/step_time.hpp"

namespace mistamover::disk_space {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_in_batch = 500;
constexpr std::size_t enough_to_tell = 100;          // where so many of a stream fail, the rest is no better
constexpr std::size_t most_shown = 10;               // while nothing has to be deleted
constexpr std::size_t most_bytes_of_paths = 48'000;  // a report has to fit into a message
constexpr std::chrono::milliseconds shortest_pause = 100ms;
constexpr std::chrono::milliseconds pause_while_vlow = 1s;
constexpr auto worth_a_record = 1h;  // a forecast
constexpr auto left_alone = 10min;   // what was told of as deleted, and was not

LogLevel log_level_of(SpaceState state) {
    return state == SpaceState::vlow  ? LogLevel::error
           : state == SpaceState::low ? LogLevel::warning
                                      : LogLevel::info;
}

std::string state_text(SpaceState state, const Space& space) {
    std::string text = std::string(to_string(state)) + ": " + format_size({space.free_bytes}) + " of " +
                       format_size({space.total_bytes}) + " free";
    if (state != SpaceState::good && short_of_inodes(space)) {
        text += ", " + std::to_string(space.free_inodes) + " of " + std::to_string(space.total_inodes) +
                " inodes";
    }
    return text;
}

}  // namespace

DiskSpaceMonitor::DiskSpaceMonitor(Settings settings, std::vector<process::MonitorStream> streams, Disk& disk,
                                   Log log)
    : settings_(settings),
      streams_(std::move(streams)),
      disk_(disk),
      log_(std::move(log)),
      stops_(streams_, settings.base_priority, settings.step, disk,
             {log_, [this](const std::string& what) { failed(what); }}),
      order_(deletion_order(streams_, settings.base_priority)) {}

void DiskSpaceMonitor::poll(Clock::time_point now) {
    const std::int64_t change = measure();
    forecast_.add(now, effective_free(space_));
    polled_at_ = now;
    late_.give_up(now);
    note_late_space(change);
    take_state();
    tell_forecast();
    settle_stops(false);
    stops_.remove_obsolete();
    if (!planner_ || plans_deletions_ != (state_ == SpaceState::vlow)) {
        begin_round();
    }
    go_on_planning();
}

// What is deleted is planned from what is there now, or else what has changed meanwhile would go out of
// order.
void DiskSpaceMonitor::begin_round() {
    passed_over_.clear();
    streams_passed_over_.clear();
    some_under_way_ = false;
    cut_short_ = false;
    std::erase_if(not_deleted_,
                  [this](const auto& entry) { return polled_at_ >= entry.second + left_alone; });
    if (state_ == SpaceState::vlow && needed() > 0) {
        disk_.look_anew();
    }
    begin_plan();
}

// By how much what is free has changed since the last time.
std::int64_t DiskSpaceMonitor::measure() {
    const std::uint64_t before = effective_free(space_);
    space_ = disk_.space();
    report_.free_bytes = space_.free_bytes;
    report_.total_bytes = space_.total_bytes;
    report_.free_inodes = space_.free_inodes;
    report_.total_inodes = space_.total_inodes;
    return static_cast<std::int64_t>(effective_free(space_) - before);
}

// Where little is left and it still gets less, to delete too much is better than to wait.
void DiskSpaceMonitor::note_late_space(std::int64_t change) {
    if (change > 0) {
        late_.came_back(static_cast<std::uint64_t>(change));
    } else if (change < 0 && effective_free(space_) < settings_.levels.vlow / 2) {
        late_.give_up_all();
    }
}

void DiskSpaceMonitor::take_state() {
    const SpaceState state = next_state(state_, effective_free(space_), settings_.levels);
    if (state != state_) {
        log_(log_level_of(state), state_text(state, space_));
    }
    stops_.entered(state);
    told_exhausted_ = told_exhausted_ && state == SpaceState::vlow;
    state_ = report_.state = state;
}

void DiskSpaceMonitor::tell_forecast() {
    const auto left = forecast_.time_to(settings_.levels.low);
    report_.bytes_per_second = forecast_.rate();
    report_.seconds_to_low = left ? left->count() : -1;
    const bool near = left && *left < worth_a_record;
    if (near && !told_forecast_) {
        log_(LogLevel::warning,
             state_text(*state_, space_) + "; LOW in " + format_duration(*left) + " at the present rate of " +
                 format_size({static_cast<std::uint64_t>(-report_.bytes_per_second)}) + "/s");
    }
    // Only when it has gone well out of sight is it news again.
    told_forecast_ = near || (told_forecast_ && left && *left < 2 * worth_a_record);
}

void DiskSpaceMonitor::settle_stops(bool exhausted) {
    StopKeeper::Stopped stopped = stops_.settle(exhausted);
    report_.stopped = stopped.count;
    report_.stopped_names = std::move(stopped.names);
}

bool DiskSpaceMonitor::can_delete() const {
    // A level that the file system is too small for would have everything deleted, and be no nearer.
    return settings_.levels.vlow < space_.total_bytes;
}

std::uint64_t DiskSpaceMonitor::needed() const {
    if (*state_ != SpaceState::vlow) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    const std::uint64_t free = effective_free(space_) + late_.bytes();
    const std::uint64_t enough = enough_after_vlow(settings_.levels);
    return enough > free ? enough - free : 0;
}

void DiskSpaceMonitor::begin_plan() {
    plans_deletions_ = *state_ == SpaceState::vlow;
    planner_.emplace(
        order_, disk_, space_,
        DeletionPlanner::Wanted{can_delete() ? needed() : 0, plans_deletions_ ? most_in_batch : most_shown},
        [this](std::size_t stream, const Unit& unit) { return is_passed_over(stream, unit); });
}

bool DiskSpaceMonitor::is_passed_over(std::size_t stream, const Unit& unit) const {
    return streams_passed_over_.contains(stream) ||
           (!passed_over_.empty() && passed_over_.contains({stream, unit.place, unit.name})) ||
           (!not_deleted_.empty() && not_deleted_.contains({stream, unit.place, unit.name, unit.inode}));
}

void DiskSpaceMonitor::go_on_planning() {
    plan_.clear();
    try {
        if (!planner_->go_on(StepTime(settings_.step))) {
            return;
        }
        plan_ = planner_->take_plan();
    } catch (const std::system_error& error) {
        failed(error.what());
    }
    planner_.reset();
    report_plan();
}

void DiskSpaceMonitor::report_plan() {
    for (const std::string& problem : disk_.take_problems()) {
        failed(problem);
    }
    report_.plan.clear();
    std::size_t bytes = 0;
    for (const PlannedUnit& planned : plan_) {
        const std::string path = disk_.path_of(planned.stream, planned.unit);
        bytes += path.size();
        if (bytes > most_bytes_of_paths && !report_.plan.empty()) {
            break;
        }
        report_.plan.push_back({streams_[planned.stream].name, path, planned.unit.gain.bytes});
    }
    plan_.resize(report_.plan.size());
}

DiskSpaceMonitor::Batch DiskSpaceMonitor::next_deletions() {
    if (*state_ != SpaceState::vlow || cut_short_ || planner_) {
        return {};
    }
    if (plan_.empty() && needed() > 0 && !waits_for_units()) {
        if (!std::exchange(told_exhausted_, true)) {
            log_(LogLevel::critical, "nothing is left that may be deleted now: every stream is stopped");
        }
        settle_stops(true);
        return {};
    }
    Batch batch;
    for (const PlannedUnit& planned : plan_) {
        if (!batch.units.empty() && planned.stream != batch.stream) {
            break;
        }
        batch.stream = planned.stream;
        batch.units.push_back(planned.unit);
    }
    return batch;
}

void DiskSpaceMonitor::carry_out(const Batch& batch, const std::function<bool(const Unit&)>& allowed,
                                 const std::function<bool()>& time_left) {
    try {
        note_late_space(measure());
        take_state();
        const std::uint64_t deleted = delete_units(batch, allowed, time_left);
        const std::int64_t change = measure();
        late_.deleted(polled_at_, deleted, static_cast<std::uint64_t>(std::max<std::int64_t>(change, 0)));
    } catch (const std::system_error& error) {
        failed(error.what());
        cut_short_ = true;
        return;
    }
    take_state();
    if (stops_.has_more()) {
        settle_stops(false);  // or who is not stopped yet fills what is freed
    }
    begin_plan();
    go_on_planning();
}

// What it was worth. That units are new, in use or under way tells nothing of those behind them, for the
// newest come first.
std::uint64_t DiskSpaceMonitor::delete_units(const Batch& batch,
                                             const std::function<bool(const Unit&)>& allowed,
                                             const std::function<bool()>& time_left) {
    const std::uint64_t enough = *state_ == SpaceState::vlow ? needed() : 0;
    std::uint64_t freed = 0;
    std::size_t tried = 0;
    std::size_t deleted = 0;
    std::size_t hopeless = 0;
    for (const Unit& unit : batch.units) {
        if (freed >= enough || (tried > 0 && !time_left())) {
            break;
        }
        ++tried;
        passed_over_.insert({batch.stream, unit.place, unit.name});
        const bool is_allowed = allowed(unit);
        const Deletion ended = is_allowed ? delete_unit(batch.stream, unit) : Deletion::refused;
        if (ended == Deletion::done) {
            ++deleted;
            freed += worth(unit.gain, space_);
        }
        some_under_way_ = some_under_way_ || ended == Deletion::refused;
        hopeless += ended == Deletion::failed || (batch.unanswered && !is_allowed) ? 1 : 0;
    }
    if (deleted == 0 && hopeless >= enough_to_tell) {
        streams_passed_over_.insert(batch.stream);
    }
    const auto told = report_.plan.begin();
    report_.plan.erase(told, told + static_cast<std::ptrdiff_t>(std::min(tried, report_.plan.size())));
    return freed;
}

bool DiskSpaceMonitor::waits_for_units() const {
    return some_under_way_ && effective_free(space_) > settings_.levels.vlow / 2;
}

DiskSpaceMonitor::Deletion DiskSpaceMonitor::delete_unit(std::size_t stream, const Unit& unit) {
    bool told = false;
    const auto tell = [&] {
        told = true;
        log_(LogLevel::error, "deleted " + disk_.path_of(stream, unit) + " (" +
                                  format_size({unit.gain.bytes}) + ") of stream " + streams_[stream].name +
                                  ", to free space");
    };
    try {
        if (disk_.remove_unit(stream, unit, tell)) {
            ++report_.deleted_units;
            report_.deleted_bytes += unit.gain.bytes;
            return Deletion::done;
        }
    } catch (const std::system_error& error) {
        if (told) {
            not_deleted(stream, unit, error.what());
        } else {
            failed(error.what());
        }
        return Deletion::failed;
    }
    return Deletion::refused;
}

// Tried again at each poll, it would be told of as deleted each time.
void DiskSpaceMonitor::not_deleted(std::size_t stream, const Unit& unit, const std::string& reason) {
    not_deleted_[{stream, unit.place, unit.name, unit.inode}] = polled_at_;
    report_.last_error.clear();  // the record is corrected even where the same went wrong last
    failed(disk_.path_of(stream, unit) + " was not deleted" + (unit.directory ? " as a whole: " : ": ") +
           reason);
}

std::chrono::milliseconds DiskSpaceMonitor::pause() const {
    std::chrono::milliseconds pause = settings_.poll_interval;
    if (has_more()) {
        return *state_ == SpaceState::vlow ? 0ms : std::min(pause, shortest_pause);
    }
    if (*state_ == SpaceState::vlow) {
        return std::min(pause, pause_while_vlow);
    }
    const std::uint64_t free = effective_free(space_);
    const std::int64_t rate = std::min(forecast_.rate(), forecast_.latest_rate());
    for (const std::uint64_t level : {settings_.levels.low, settings_.levels.vlow}) {
        if (free > level && rate < 0) {
            const double seconds = static_cast<double>(free - level) / -static_cast<double>(rate);
            const std::chrono::duration<double, std::milli> half(seconds * 500);
            if (half < pause) {
                pause = std::chrono::duration_cast<std::chrono::milliseconds>(half);
            }
        }
    }
    return std::clamp(pause, std::min(shortest_pause, settings_.poll_interval), settings_.poll_interval);
}

void DiskSpaceMonitor::failed(const std::string& what) {
    if (what != report_.last_error) {
        log_(LogLevel::error, what);
    }
    report_.last_error = what;
    report_.last_error_time = std::time(nullptr);
}

}  // namespace mistamover::disk_space
