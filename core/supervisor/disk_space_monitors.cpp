// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/disk_space_monitors.hpp"

#include <algorithm>
#include <ctime>

#include "disk_space/placed_stops.hpp"
#include "supervisor/child.hpp"
#include "supervisor/reload_difference.hpp"

namespace mistamover::supervisor {
namespace {

constexpr char disk_space_verb[] = "_disk-space";

std::string monitor_description(const std::string& label) {
    return "the disk space monitor dsm_" + label;
}

// Where two ask for the same, nothing needs to be started again.
bool asks_for_the_same(const disk_space::FileSystem& a, const disk_space::FileSystem& b) {
    return a.device == b.device && a.mount_point == b.mount_point &&
           std::equal(a.streams.begin(), a.streams.end(), b.streams.begin(), b.streams.end(),
                      [](const process::MonitorStream& x, const process::MonitorStream& y) {
                          return process::encode(x) == process::encode(y);
                      });
}

}  // namespace

DiskSpaceMonitors::DiskSpaceMonitors(process::EventLoop& loop, LogService& log, StreamProcesses& transfers,
                                     const std::filesystem::path& run_dir)
    : log_(log), transfers_(transfers), work_dir_(run_dir / "disk_space"), keeper_(loop, log) {}

DiskSpaceMonitors::~DiskSpaceMonitors() {
    for (const auto& [label, child] : children_) {
        keeper_.cancel_timers(*child);
    }
}

void DiskSpaceMonitors::apply(const config::Configuration& configuration) {
    in_force_ = streams_in_force(std::move(in_force_), configuration);
    monitored_.clear();
    if (config::disk_space_settings(configuration.global).level_vlow) {
        for (const config::Stream& stream : in_force_) {
            monitored_.push_back(disk_space::monitored(stream));
        }
    }
    settings_ = config::serialize_settings(configuration.global);
    regroup();
}

// Where a monitor has left a `.stop`, and no stream is monitored any more, one is wanted to remove it.
void DiskSpaceMonitors::regroup() {
    if (stopping_) {
        return;
    }
    std::vector<std::filesystem::path> left;
    for (const std::string& path : disk_space::PlacedStops(work_dir_ / ".placed").paths()) {
        left.push_back(std::filesystem::path(path).parent_path());
    }
    std::map<std::string, disk_space::FileSystem> wanted = disk_space::file_systems(monitored_, left);
    for (const auto& [label, child] : children_) {
        if (!wanted.contains(label) && !child->removed) {
            child->removed = true;
            keeper_.stop(*child, monitor_description(label));
        }
    }
    std::erase_if(children_,
                  [](const auto& entry) { return entry.second->removed && entry.second->pid < 0; });
    for (auto& [label, file_system] : wanted) {
        take(label, std::move(file_system));
    }
}

void DiskSpaceMonitors::take(const std::string& label, disk_space::FileSystem&& wanted) {
    auto& child = children_[label];
    const bool is_new = child == nullptr;
    if (is_new) {
        child = std::make_unique<SpaceChild>();
    } else if (child->settings == settings_ && !child->removed &&
               asks_for_the_same(child->file_system, wanted)) {
        return;
    }
    child->file_system = std::move(wanted);
    child->settings = settings_;
    child->removed = child->finished = false;
    if (child->pid > 0) {
        child->replaced = true;
        keeper_.stop(*child, monitor_description(label));
    } else {
        start(label);
    }
}

void DiskSpaceMonitors::start(const std::string& label) {
    SpaceChild& child = *children_.at(label);
    if (stopping_) {
        return;
    }
    const std::string problem =
        keeper_.start(child, monitor_description(label), [&] { spawn(label, child); });
    if (problem.empty()) {
        return;
    }
    if (child.report.last_error != problem) {
        log_.log().error(problem + "; it is tried again");
    }
    child.report.last_error = problem;
    child.report.last_error_time = std::time(nullptr);
    if (child.pid < 0) {
        keeper_.start_again(child, [this, label] { start(label); });
    }
}

void DiskSpaceMonitors::spawn(const std::string& label, SpaceChild& child) {
    // Not by the label, which another mount can shift while an earlier monitor still ends: it has the lock.
    const std::filesystem::path work_dir = work_dir_ / child.file_system.device;
    keeper_.spawn(child, {disk_space_verb, label, child.file_system.mount_point}, work_dir,
                  [this, label](process::Message&& message) { on_message(label, std::move(message)); });
    child.replaced = false;
    process::Configure configure;
    configure.settings = child.settings;
    configure.work_dir = work_dir.string();
    child.channel->send(configure);
    for (const process::MonitorStream& stream : child.file_system.streams) {
        child.channel->send(stream);
    }
    child.channel->send(process::StreamsKnown{});
    child.contact.works(true);
}

void DiskSpaceMonitors::stop() {
    stopping_ = true;
    for (const auto& [label, child] : children_) {
        keeper_.stop(*child, monitor_description(label));
    }
}

void DiskSpaceMonitors::on_message(const std::string& label, process::Message&& message) {
    SpaceChild& child = *children_.at(label);
    if (auto* report = std::get_if<process::DiskSpaceReport>(&message)) {
        child.report = std::move(*report);
    } else if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
        hold(label, *wanted);
    } else if (const auto* released = std::get_if<process::ReleaseUnits>(&message)) {
        if (child.holds.erase(released->directory) > 0) {
            transfers_.release_units(released->directory);
        }
    } else if (std::holds_alternative<process::Finished>(message)) {
        child.finished = true;
    }
}

void DiskSpaceMonitors::hold(const std::string& label, const process::HoldUnits& wanted) {
    children_.at(label)->holds.insert(wanted.directory);
    transfers_.hold_units(wanted.directory, wanted.names,
                          [this, label, request = wanted.request,
                           pid = children_.at(label)->pid](std::vector<std::string>&& names) {
                              const auto found = children_.find(label);
                              if (found != children_.end() && found->second->pid == pid && pid > 0) {
                                  found->second->channel->send(process::UnitsHeld{request, std::move(names)});
                              }
                          });
}

void DiskSpaceMonitors::release_all(SpaceChild& child) {
    for (const std::string& directory : std::exchange(child.holds, {})) {
        transfers_.release_units(directory);
    }
}

void DiskSpaceMonitors::process_ended(pid_t pid, int status) {
    const auto found = std::find_if(children_.begin(), children_.end(),
                                    [&](const auto& entry) { return entry.second->pid == pid; });
    if (found == children_.end()) {
        return;
    }
    const std::string label = found->first;
    SpaceChild& child = *found->second;
    keeper_.ended(child);
    release_all(child);
    if (stopping_) {
        return;
    }
    if (child.removed || (child.finished && !child.replaced)) {
        children_.erase(found);
    } else if (child.replaced) {
        start(label);
    } else {
        log_.log().error(monitor_description(label) + " ended with " + how_it_ended(status) +
                         "; it is started again");
        keeper_.start_again(child, [this, label] { start(label); });
    }
}

void DiskSpaceMonitors::check_health() {
    health_.begin(process::EventLoop::Clock::now());
    for (const auto& [label, child] : children_) {
        keeper_.kill_if_it_hangs(*child, monitor_description(label), health_);
    }
}

bool DiskSpaceMonitors::done() const {
    return std::all_of(children_.begin(), children_.end(),
                       [](const auto& entry) { return entry.second->pid < 0; });
}

}  // namespace mistamover::supervisor
