// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/stream_processes.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
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

// `dot_file`: see WatchRequest.
std::vector<std::string> names_that_count(std::vector<std::string> names, const std::string& dot_file) {
    std::erase_if(names, [&](const std::string& name) {
        return !dot_file.empty() && name.front() == '.' && name != dot_file;
    });
    return names;
}

}  // namespace

StreamProcesses::StreamProcesses(process::EventLoop& loop, Watcher& watcher, LogService& log,
                                 const ChildKind& kind, Options options, LeftHandler on_left)
    : loop_(loop),
      watcher_(watcher),
      log_(log),
      kind_(kind),
      options_(std::move(options)),
      on_left_(std::move(on_left)),
      keeper_(loop, log) {}

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

std::filesystem::path StreamProcesses::stopped_mark(const std::string& name) const {
    return work_dir(name) / "stopped";
}

bool StreamProcesses::is_marked_stopped(const std::string& name) const {
    std::error_code ignored;
    return std::filesystem::exists(stopped_mark(name), ignored);
}

void StreamProcesses::forget_stopped(const std::filesystem::path& run_dir) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(run_dir / transfer_process.work, error)) {
        std::filesystem::remove(entry.path() / "stopped", error);
    }
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
    if (is_marked_stopped(name)) {
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
    std::error_code ignored;
    std::filesystem::remove(stopped_mark(stream.name), ignored);
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
        if (!child->removed && (failed || is_marked_stopped(name))) {
            replace(*child, child->next ? *child->next : child->stream);
        }
    }
}

// Remembered for the next process of this stream, unless it has other settings or is to run again.
void StreamProcesses::note_stopped(StreamChild& child) const {
    child.report.reason = "stopped by a signal, until its configuration changes or the daemon gets SIGHUP";
    if (!stopping_ && !child.next && !child.removed) {
        const std::ofstream mark(stopped_mark(child.stream.name));
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
        child.wants_watch = *request;
        if (const std::string problem = watch(child); !problem.empty()) {
            refuse_watch(child, problem);
        }
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

// Why its directory cannot be watched; empty: it is.
std::string StreamProcesses::watch(StreamChild& child) {
    auto watch = std::make_unique<DirectoryWatch>(
        loop_, watcher_, child.wants_watch->path, child.wants_watch->recursive,
        [this, &child](const Watcher::Events& events) { on_events(child, events); });
    if (!watch->problem().empty()) {
        return watch->problem();
    }
    child.watch = std::move(watch);
    child.channel->send(process::Rescan{});
    return "";
}

void StreamProcesses::refuse_watch(StreamChild& child, const std::string& problem) {
    if (told_refusals_.insert(problem).second) {
        log_.log().warning("directories are polled, since they cannot be watched: " + problem);
    }
    child.channel->send(process::WatchFailed{problem});
}

void StreamProcesses::on_events(StreamChild& child, const Watcher::Events& events) {
    if (events.gone) {
        start_anew(child);
    } else if (!child.watch->problem().empty()) {
        const std::string problem = child.watch->problem();
        child.watch.reset();
        refuse_watch(child, problem);
    } else {
        tell_changes(child, events);
    }
}

// What is there now under its directory's name is another one, which a new process opens.
void StreamProcesses::start_anew(StreamChild& child) {
    child.watch.reset();
    child.wants_watch.reset();
    if (!stopping_ && !child.removed && !child.next) {
        child.next = child.stream;
        keeper_.stop(child, description(child.stream.name));
    }
}

void StreamProcesses::mounts_changed() {
    const files::MountList mounts;
    for (const auto& [name, child] : children_) {
        if (child->watch && child->watch->is_elsewhere(mounts)) {
            log_.log().info("the directory of stream " + name + " is on another mount now");
            start_anew(*child);
        } else if (child->watch) {
            child->watch->note_mounts(mounts);
        }
    }
}

void StreamProcesses::tell_changes(StreamChild& child, const Watcher::Events& events) {
    std::vector<std::string> names = names_that_count(events.names, child.wants_watch->dot_file);
    if (names.empty() && !events.lost) {
        return;
    }
    child.contact.told(Clock::now());
    child.changes->tell(std::move(names), events.lost);
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
    child.watch.reset();
    child.wants_watch.reset();
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
        if (!keeper_.kill_if_it_hangs(*child, description(name), health_) && child->pid > 0 &&
            !child->watch && child->wants_watch && watch(*child).empty()) {
            log_.log().info("the directory of stream " + name + " can be watched now");
        }
    }
}

bool StreamProcesses::done() const {
    return std::all_of(children_.begin(), children_.end(), [this](const auto& entry) {
        return entry.second->pid < 0 && (stopping_ || entry.second->finished);
    });
}

}  // namespace mistamover::supervisor
