// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/stream_processes.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "process/work_lock.hpp"

namespace mistamover::supervisor {
namespace {

using namespace std::chrono_literals;
using Clock = process::EventLoop::Clock;

constexpr unsigned most_one_off_restarts = 5;
constexpr auto longest_unit_in_hand = 24h;  // of a stream that was removed
constexpr auto directory_wait = 1s;

std::string configured_status(const config::Stream& stream) {
    return stream.settings.at("data_stream").at("status").front();
}

}  // namespace

StreamProcesses::StreamProcesses(process::EventLoop& loop, Watcher& watcher, LogService& log,
                                 const ChildKind& kind, Options options, LeftHandler on_left)
    : log_(log),
      kind_(kind),
      options_(std::move(options)),
      on_left_(std::move(on_left)),
      keeper_(loop, log),
      directories_(loop, watcher, log, [this](StreamChild& child) { start_anew(child); }) {}

StreamProcesses::~StreamProcesses() {
    for (const auto& [name, child] : children_) {
        keeper_.cancel_timers(*child);
    }
}

std::filesystem::path StreamProcesses::work_dir(const std::string& name) const {
    return options_.run_dir / kind_.work / name;
}

std::string StreamProcesses::description(const std::string& stream) const {
    return std::string("the ") + kind_.what + " of stream " + stream;
}

std::string StreamProcesses::directory_of(const config::Stream& stream) const {
    return stream.settings.at(kind_.section).at("directory").front();
}

StoppedMark StreamProcesses::stopped_mark(const std::string& name) const {
    return StoppedMark(work_dir(name));
}

void StreamProcesses::forget_stopped(const std::filesystem::path& run_dir) {
    StoppedMark::remove_all(run_dir / transfer_process.work);
}

void StreamProcesses::add(const config::Stream& stream, Begin when) {
    if (!kind_.wanted(stream)) {
        return;
    }
    auto& child = children_[stream.name] = std::make_unique<StreamChild>();
    child->stream = stream;
    child->begins_later = when == Begin::later;
    if (!child->begins_later) {
        start(*child);
    }
}

void StreamProcesses::begin(const std::string& stream) {
    const auto found = children_.find(stream);
    if (found != children_.end() && std::exchange(found->second->begins_later, false)) {
        start(*found->second);
    }
}

// A stream that was removed, or gets another directory, may still have a unit of this one in hand, by
// whatever path it knows it.
bool StreamProcesses::works_in(const StreamChild& child, const std::string& directory) const {
    if (child.pid <= 0) {
        return false;
    }
    const std::string used = directory_of(child.stream);
    std::error_code ignored;
    return used == directory ||
           ((child.removed || child.next) && std::filesystem::equivalent(used, directory, ignored));
}

bool StreamProcesses::directory_is_in_use(const StreamChild& child) const {
    const std::string wanted = directory_of(child.stream);
    return std::any_of(children_.begin(), children_.end(), [&](const auto& entry) {
        return entry.second.get() != &child && works_in(*entry.second, wanted);
    });
}

void StreamProcesses::start(StreamChild& child) {
    if (stopping_) {
        return;
    }
    if (directory_is_in_use(child)) {
        keeper_.start_later(child, directory_wait, [this, &child] { start(child); });
        return;
    }
    const std::string problem =
        keeper_.start(child, description(child.stream.name), [this, &child] { spawn(child); });
    if (!problem.empty()) {
        not_started(child, problem);
    }
}

void StreamProcesses::not_started(StreamChild& child, const std::string& problem) {
    if (child.report.reason != problem) {
        log_.log().error(problem + "; it is tried again");
    }
    child.report.reason = problem;
    note_error(child, problem);
    if (child.pid < 0) {
        start_again(child, problem);
    }
}

void StreamProcesses::note_error(StreamChild& child, const std::string& error) {
    child.report.last_error = error;
    child.report.last_error_time = std::time(nullptr);
}

// In one pass only so many times.
void StreamProcesses::start_again(StreamChild& child, const std::string& why) {
    if (options_.one_off && child.restarts == most_one_off_restarts) {
        something_left_ = true;
        child.finished = process::Finished{false};
        log_.log().error(why + ", for the last time");
        on_left_(child.stream.name, {directory_of(child.stream), why});
        return;
    }
    keeper_.start_again(child, [this, &child] { start(child); });
}

void StreamProcesses::spawn(StreamChild& child) {
    const std::string& name = child.stream.name;
    keeper_.spawn(child, {kind_.verb, name}, work_dir(name),
                  [this, &child](process::Message&& message) { on_message(child, std::move(message)); });
    child.changes.emplace(*child.channel);
    child.finished.reset();
    child.report.state = process::StreamState::starting;
    child.report.reason.clear();
    process::Configure configure;
    config::SettingsMap settings = child.stream.settings;
    if (stopped_mark(name).is_set()) {
        settings["data_stream"]["status"] = {"STOPPED"};
    }
    configure.settings = config::serialize_settings(settings);
    configure.one_off = options_.one_off;
    configure.work_dir = work_dir(name).string();
    configure.held = holds_.held_in(directory_of(child.stream));
    child.channel->send(configure);
    child.contact.told(Clock::now());
}

void StreamProcesses::stop() {
    stopping_ = true;
    for (const auto& [name, child] : children_) {
        keeper_.stop(*child, description(name));
    }
}

void StreamProcesses::replace(StreamChild& child, const config::Stream& stream) {
    stopped_mark(stream.name).remove();
    child.removed = false;
    child.next = stream;
    keeper_.stop(child, description(stream.name));
    if (child.pid < 0) {
        start_with_next(child);
    }
}

void StreamProcesses::start_with_next(StreamChild& child) {
    child.stream = std::move(*child.next);
    child.next.reset();
    log_.log().info("stream " + child.stream.name + " starts again");
    start(child);
}

void StreamProcesses::apply(const config::Configuration& fresh) {
    const ReloadDifference difference = reload_difference(in_force(), fresh, kind_.wanted);
    for (const std::string& name : difference.removed) {
        StreamChild& child = *children_.at(name);
        child.removed = true;
        child.next.reset();
        keeper_.stop(child, description(name), longest_unit_in_hand);
        if (child.pid < 0) {
            log_.log().info("stream " + name + " was removed");
            children_.erase(name);
        }
    }
    for (const config::Stream& stream : difference.changed) {
        replace(*children_.at(stream.name), stream);
    }
    for (const config::Stream& stream : difference.moved) {
        StreamChild& child = *children_.at(stream.name);
        (child.next ? *child.next : child.stream) = stream;
    }
    for (const config::Stream& stream : difference.added) {
        log_.log().info("stream " + stream.name + " is new");
        add(stream);
    }
}

std::map<std::string, StreamInForce> StreamProcesses::in_force() const {
    std::map<std::string, StreamInForce> streams;
    for (const auto& [name, child] : children_) {
        streams.emplace(name, StreamInForce{child->next ? *child->next : child->stream, child->removed});
    }
    return streams;
}

void StreamProcesses::resume() {
    for (const auto& [name, child] : children_) {
        const bool failed = child->report.state == process::StreamState::failed;
        if (!child->removed && (failed || stopped_mark(name).is_set())) {
            replace(*child, child->next ? *child->next : child->stream);
        }
    }
}

// Remembered for the next process of this stream, unless it has other settings or is to run again.
void StreamProcesses::note_stopped(StreamChild& child) const {
    child.report.reason = "stopped by a signal, until its configuration changes or the daemon gets SIGHUP";
    if (!stopping_ && !child.next && !child.removed) {
        stopped_mark(child.stream.name).set();
    }
}

void StreamProcesses::on_message(StreamChild& child, process::Message&& message) {
    if (auto* report = std::get_if<process::StreamReport>(&message)) {
        child.report = std::move(*report);
        child.contact.works(child.report.state == process::StreamState::transferring);
        if (child.report.state == process::StreamState::stopped &&
            configured_status(child.stream) != "STOPPED") {
            note_stopped(child);
        }
    } else if (const auto* request = std::get_if<process::WatchRequest>(&message)) {
        directories_.watch(child, *request);
    } else if (const auto* left = std::get_if<process::UnitLeft>(&message)) {
        on_left_(child.stream.name, *left);
    } else if (const auto* finished = std::get_if<process::Finished>(&message)) {
        child.finished = *finished;
    } else if (auto* held = std::get_if<process::UnitsHeld>(&message)) {
        holds_.answered(std::move(*held));
    }
}

// The one whose process works there, or else one that is to start there; null: there is none.
StreamChild* StreamProcesses::child_in(const std::string& directory) const {
    StreamChild* waiting = nullptr;
    for (const auto& [name, child] : children_) {
        if (works_in(*child, directory)) {
            return child.get();
        }
        if (directory_of(child->stream) == directory) {
            waiting = child.get();
        }
    }
    return waiting;
}

void StreamProcesses::hold_units(const std::string& directory, const UnitHolds::Names& names,
                                 UnitHolds::OnHeld on_held) {
    const StreamChild* child = child_in(directory);
    if (child != nullptr && child->pid > 0) {
        holds_.ask(directory, names, child->pid, *child->channel, std::move(on_held));
        return;
    }
    // One of an earlier controller may still be ending with units in hand: it has the lock.
    const bool nobody_sends =
        child == nullptr || process::work_lock_is_free(work_dir(child->stream.name).string());
    holds_.hold(directory, nobody_sends ? names : UnitHolds::Names(), on_held);
}

void StreamProcesses::release_units(const std::string& directory) {
    holds_.release(directory);
    const StreamChild* child = child_in(directory);
    if (child != nullptr && child->pid > 0) {
        child->channel->send(process::ReleaseUnits{directory});
    }
}

// What is there now under its directory's name is another one, which a new process opens.
void StreamProcesses::start_anew(StreamChild& child) {
    WatchedDirectories::forget(child);
    if (!stopping_ && !child.removed && !child.next) {
        child.next = child.stream;
        keeper_.stop(child, description(child.stream.name));
    }
}

void StreamProcesses::process_ended(pid_t pid, int status) {
    const auto found = std::find_if(children_.begin(), children_.end(),
                                    [&](const auto& entry) { return entry.second->pid == pid; });
    if (found == children_.end()) {
        return;
    }
    StreamChild& child = *found->second;
    keeper_.ended(child);
    holds_.ended(pid);
    WatchedDirectories::forget(child);
    something_left_ = something_left_ || (child.finished && !child.finished->clean);
    if (stopping_ || (options_.one_off && child.finished)) {
        return;
    }
    if (child.removed) {
        log_.log().info("stream " + found->first + " was removed");
        children_.erase(found);
    } else if (child.next) {
        start_with_next(child);
    } else {
        died(child, status);
    }
}

void StreamProcesses::died(StreamChild& child, int status) {
    const std::string how = description(child.stream.name) + " ended with " + how_it_ended(status);
    if (!options_.one_off || child.restarts < most_one_off_restarts) {
        log_.log().error(how + "; it is started again");
    }
    note_error(child, how);
    start_again(child, how);
}

// They wait for the log, and must outlive that: a record that one of them is about to write is in it alone.
void StreamProcesses::check_health() {
    health_.begin(Clock::now(), log_.may_hold_up_writers() ? HealthCheck::Children::may_be_held_up
                                                           : HealthCheck::Children::can_speak);
    for (const auto& [name, child] : children_) {
        if (!keeper_.kill_if_it_hangs(*child, description(name), health_)) {
            directories_.try_again(*child);
        }
    }
}

bool StreamProcesses::done() const {
    return std::all_of(children_.begin(), children_.end(), [this](const auto& entry) {
        return entry.second->pid < 0 && (stopping_ || entry.second->finished);
    });
}

}  // namespace mistamover::supervisor
