// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/stop_keeper.hpp"

#include <system_error>
#include <utility>

#include "disk_space/step_time.hpp"

namespace mistamover::disk_space {
namespace {

constexpr std::size_t most_named = 100;  // stopped streams

}  // namespace

StopKeeper::StopKeeper(const std::vector<process::MonitorStream>& streams, std::int64_t base_priority,
                       std::chrono::milliseconds step, Stops& stops, Tell tell)
    : streams_(streams), base_priority_(base_priority), step_(step), stops_(stops), tell_(std::move(tell)) {
    for (const process::MonitorStream& stream : streams_) {
        placed_.emplace_back(stream.stop_files.size(), false);
    }
}

void StopKeeper::entered(SpaceState state) {
    if (state < SpaceState::low) {
        for (std::vector<bool>& files : placed_) {
            files.assign(files.size(), false);
        }
    }
    if (state != state_) {
        put_off_ = put_off_exhausted_ = 0;
    }
    state_ = state;
}

// Goes on with the one that was put off: what fails again and again keeps no other from its turn.
StopKeeper::Stopped StopKeeper::settle(bool exhausted) {
    const StepTime time_left(step_);
    std::size_t& put_off = exhausted ? put_off_exhausted_ : put_off_;
    const std::size_t first = std::exchange(put_off, 0);
    std::size_t at = 0;
    bool has_acted = false;
    const std::function<bool()> may_act = [&] {
        if (at < first) {
            return false;
        }
        if (!std::exchange(has_acted, true) || time_left()) {
            return true;
        }
        put_off = put_off == 0 ? at : put_off;
        return false;
    };
    Stopped stopped;
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        bool is_stopped = false;
        for (std::size_t file = 0; file < streams_[stream].stop_files.size(); ++file, ++at) {
            is_stopped = settle_one(stream, file, exhausted, may_act) == StopSeen::own || is_stopped;
        }
        if (is_stopped && ++stopped.count <= most_named) {
            stopped.names.push_back(streams_[stream].name);
        }
    }
    return stopped;
}

StopSeen StopKeeper::settle_one(std::size_t stream, std::size_t file, bool exhausted,
                                const std::function<bool()>& may_act) {
    StreamStanding standing;
    try {
        standing = {streams_[stream].priority > base_priority_,
                    stops_.look_for_stop(streams_[stream].stop_files[file]), placed_[stream][file]};
        const StopAction action = stop_action(state_, exhausted, standing);
        if (action != StopAction::none && may_act()) {
            return act(action, stream, file, standing.seen);
        }
    } catch (const std::system_error& error) {
        tell_.failed(error.what());
    }
    return standing.seen;
}

// Gives what is seen there then.
StopSeen StopKeeper::act(StopAction action, std::size_t stream, std::size_t file, StopSeen seen) {
    const std::string& path = streams_[stream].stop_files[file];
    const std::string& name = streams_[stream].name;
    if (action == StopAction::place && stops_.place_stop(path)) {
        placed_[stream][file] = true;
        tell_.log(LogLevel::warning, "stream " + name + " is stopped: " + path);
        return StopSeen::own;
    }
    if (action == StopAction::remove && stops_.remove_stop(path)) {
        tell_.log(LogLevel::info, "stream " + name + " may go on: " + path + " removed");
        return StopSeen::absent;
    }
    return seen;
}

void StopKeeper::remove_obsolete() {
    for (const std::string& path : stops_.obsolete_stops()) {
        try {
            if (stops_.remove_stop(path)) {
                tell_.log(LogLevel::info, path + " removed: it stops no stream any more");
            }
        } catch (const std::system_error& error) {
            tell_.failed(error.what());
        }
    }
}

}  // namespace mistamover::disk_space
