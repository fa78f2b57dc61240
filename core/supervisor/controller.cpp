// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/controller.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <set>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "process/spawn.hpp"
#include "supervisor/log_server_process.hpp"
#include "supervisor/status_report.hpp"

namespace mistamover::supervisor {
namespace {

using namespace std::chrono_literals;
using Clock = process::EventLoop::Clock;

constexpr auto health_interval = 30s;
constexpr auto longest_silence = 100s;  // a child says something every 30 s
constexpr auto healthy_time = 60s;
constexpr unsigned most_one_off_restarts = 5;
constexpr std::size_t most_names_in_message = 1000;

std::vector<std::string> environment_strings() {
    std::vector<std::string> strings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        strings.emplace_back(*entry);
    }
    return strings;
}

bool sends(const config::Stream& stream) {
    return stream.settings.at("outgoing").at("plugin").front() != "none";
}

}  // namespace

Controller::Controller(ControllerOptions options, Audience& audience, std::function<void()> on_ready)
    : options_(std::move(options)), audience_(audience), on_ready_(std::move(on_ready)) {}

Controller::~Controller() = default;

bool Controller::load_configuration(config::Configuration& into) {
    into = config::load(options_.config_file, environment_strings(), schemas_);
    if (options_.debug) {
        for (config::Stream& stream : into.streams) {
            stream.settings["logging"]["log_level"] = {"DEBUG"};
        }
    }
    for (const std::string& name : options_.streams) {
        const auto has_name = [&](const config::Stream& stream) { return stream.name == name; };
        const auto blamed = [&](const config::Problem& problem) { return problem.stream == name; };
        if (std::none_of(into.streams.begin(), into.streams.end(), has_name) &&
            std::none_of(into.problems.begin(), into.problems.end(), blamed)) {
            into.problems.push_back({into.file, 0, 0, name, "there is no stream `" + name + "`"});
        }
    }
    if (!options_.streams.empty()) {
        std::erase_if(into.streams, [&](const config::Stream& stream) {
            return std::find(options_.streams.begin(), options_.streams.end(), stream.name) ==
                   options_.streams.end();
        });
    }
    return into.usable();
}

int Controller::run() {
    process::set_process_name("mm:ctl");
    // Before anything that takes time: who stops the daemon while it starts means it.
    loop_.handle_signals({SIGCHLD, SIGTERM, SIGINT, SIGHUP}, [this](int signal, int) { on_signal(signal); });
    const bool usable = load_configuration(configuration_);
    for (const config::Problem& problem : configuration_.problems) {
        audience_.problem(to_string(problem));
    }
    if (!usable || (configuration_.streams.empty() && !configuration_.problems.empty())) {
        return 2;
    }
    something_left_ = !configuration_.problems.empty();
    global_ = config::global_settings(configuration_.global);
    try {
        lock_.emplace(global_.run_dir);
        watcher_.emplace(loop_);
        auto [writing, reading] = process::socket_pair();
        log_reading_ = std::move(reading);
        log_socket_.emplace(writing.release(), logging::LogSocket::WhenFull::queue);
        log_.emplace(*log_socket_, "mistamover_ctl",
                     options_.debug ? LogLevel::debug : global_.logging.level);
        control_socket_.emplace(loop_, global_.run_dir, [this](const std::string& request) {
            return request == "status" ? status_json(children_, configuration_.problems, started_)
                                       : std::string(R"({"error":"unknown request"})");
        });
        // From here on a detached daemon has left the terminal, so that no child keeps it.
        on_ready_();
        start_log_server();
        lock_->announce();
    } catch (const std::exception& error) {
        audience_.problem(error.what());
        if (lock_ && !options_.revived) {
            lock_->withdraw();
        }
        return 3;
    }
    started_ = std::time(nullptr);
    log_->info("started with " + std::to_string(configuration_.streams.size()) + " streams");
    for (const config::Problem& problem : configuration_.problems) {
        log_->error(to_string(problem));
    }
    for (const config::Stream& stream : configuration_.streams) {
        if (sends(stream)) {
            auto& child = children_[stream.name] = std::make_unique<StreamChild>();
            child->stream = stream;
            start_stream(*child);
        }
    }
    if (options_.one_off) {
        loop_.call_after(1s, [this] { tell_progress(); });
    } else {
        loop_.call_after(health_interval, [this] { check_health(); });
        watch_configuration();
        systemd_watchdog();
    }
    ::sd_notify(0, "READY=1");
    finish_if_done();
    return run_loop();
}

int Controller::run_loop() {
    try {
        loop_.run();
    } catch (const std::exception& error) {
        // The pid file stays, so that the log server, or systemd, starts another controller.
        log_->critical(std::string("ended by an error: ") + error.what());
        return 3;
    }
    audience_.summary(children_);
    log_->info("ended");
    log_socket_->flush();
    children_.clear();
    control_socket_.reset();
    lock_->withdraw();
    if (stop_signal_ != 0) {
        return 128 + stop_signal_;
    }
    return something_left_ ? 1 : 0;
}

void Controller::start_log_server() {
    auto [ours, theirs] = process::socket_pair();
    std::vector<std::string> arguments{log_server_verb};
    if (!options_.revive_arguments.empty()) {
        arguments.push_back(global_.run_dir.string());
        arguments.insert(arguments.end(), options_.revive_arguments.begin(), options_.revive_arguments.end());
    }
    log_control_ = std::move(ours);
    send_log_settings();  // first, so that it has them even where this process dies just now
    log_server_ = process::spawn_self(arguments, theirs.get(), log_reading_.get());
    log_server_started_ = Clock::now();
}

// The first time at once, since nothing watches over this process until then.
void Controller::start_log_server_soon() {
    if (Clock::now() - log_server_started_ > healthy_time) {
        log_restarts_ = 0;
    }
    const auto delay = log_restarts_++ == 0 ? 0ms : restart_delay(log_restarts_);
    loop_.call_after(delay, [this] {
        try {
            start_log_server();
        } catch (const std::exception& error) {
            log_->error(std::string("the log server cannot be started: ") + error.what());
            start_log_server_soon();
        }
    });
}

void Controller::send_log_settings() {
    const std::string text = config::serialize_settings(configuration_.global);
    ::send(log_control_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Controller::start_stream(StreamChild& child) {
    child.restart_timer = 0;
    child.finished.reset();
    child.stop_wanted = false;
    child.started = child.heard = Clock::now();
    child.report.state = process::StreamState::starting;
    const std::filesystem::path work_dir = global_.run_dir / "work" / child.stream.name;
    try {
        auto [ours, theirs] = process::socket_pair();
        std::filesystem::create_directories(work_dir);
        std::filesystem::permissions(work_dir, std::filesystem::perms::owner_all);
        child.channel = std::make_unique<process::Channel>(
            loop_, std::move(ours),
            [this, &child](process::Message&& message) { on_message(child, std::move(message)); }, [] {});
        child.pid = process::spawn_self({"_transfer", child.stream.name}, theirs.get(), log_socket_->fd());
    } catch (const std::exception& error) {
        log_->error("stream " + child.stream.name + " cannot be started: " + error.what());
        child.restart_timer = loop_.call_after(restart_delay(++child.restarts_in_a_row),
                                               [this, &child] { start_stream(child); });
        child.channel.reset();
        return;
    }
    process::Configure configure;
    configure.settings = config::serialize_settings(child.stream.settings);
    configure.one_off = options_.one_off;
    configure.work_dir = work_dir.string();
    child.channel->send(configure);
}

void Controller::stop_stream(StreamChild& child, bool units_in_hand_only) {
    child.stop_wanted = true;
    loop_.cancel(child.restart_timer);
    child.restart_timer = 0;
    if (child.pid > 0) {
        const auto grace =
            units_in_hand_only
                ? 24h
                : std::chrono::duration_cast<std::chrono::milliseconds>(global_.shutdown_grace);
        child.channel->send(
            process::Stop{std::chrono::duration_cast<std::chrono::milliseconds>(grace).count()});
    }
}

void Controller::on_message(StreamChild& child, process::Message&& message) {
    child.heard = Clock::now();
    if (auto* report = std::get_if<process::StreamReport>(&message)) {
        child.report = std::move(*report);
    } else if (const auto* request = std::get_if<process::WatchRequest>(&message)) {
        on_watch_request(child, *request);
    } else if (const auto* left = std::get_if<process::UnitLeft>(&message)) {
        audience_.left(child.stream.name, *left);
    } else if (const auto* finished = std::get_if<process::Finished>(&message)) {
        child.finished = *finished;
    }
}

void Controller::on_watch_request(StreamChild& child, const process::WatchRequest& request) {
    child.watched_path = request.path;
    try_watch(child);
}

void Controller::try_watch(StreamChild& child) {
    watcher_->remove(child.watch);
    std::string problem;
    child.watch = watcher_->add(
        child.watched_path,
        [this, &child](const Watcher::Events& events) {
            if (events.gone) {
                // What is there now under its name is another directory, which a new process opens.
                child.watch = 0;
                child.next = child.stream;
                stop_stream(child, false);
            } else if (events.lost || events.names.size() > most_names_in_message ||
                       child.channel->pending() > 0) {
                if (child.channel->pending() < 2) {
                    child.channel->send(process::Rescan{});
                }
            } else if (!events.names.empty()) {
                child.channel->send(process::Changed{events.names});
            }
        },
        problem);
    if (child.watch != 0) {
        child.channel->send(process::Rescan{});
        return;
    }
    if (!told_watch_refused_) {
        told_watch_refused_ = true;
        log_->warning("directories are polled, since they cannot be watched: " + problem);
    }
    child.channel->send(process::WatchFailed{problem});
}

void Controller::on_signal(int signal) {
    if (signal == SIGCHLD) {
        on_child_ended();
    } else if (signal == SIGHUP) {
        if (log_server_ > 0) {
            ::kill(log_server_, SIGHUP);
        }
        if (!options_.one_off) {
            reload();
        }
    } else if (!stopping_) {
        stop_signal_ = signal;
        log_->info("stopping, because of signal " + std::to_string(signal));
        begin_stop();
    }
}

void Controller::on_child_ended() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == log_server_) {
            log_server_ = -1;
            log_->error("the log server ended with " + how_it_ended(status) + "; it is started again");
            start_log_server_soon();
            continue;
        }
        const auto found = std::find_if(children_.begin(), children_.end(),
                                        [&](const auto& entry) { return entry.second->pid == pid; });
        if (found != children_.end()) {
            stream_ended(*found->second, status);
        }
    }
    finish_if_done();
}

void Controller::stream_ended(StreamChild& child, int status) {
    // Its last words may still be in the socket.
    child.channel->receive();
    child.pid = -1;
    child.channel.reset();
    watcher_->remove(child.watch);
    child.watch = 0;
    const std::string name = child.stream.name;
    if (child.finished && !child.finished->clean) {
        something_left_ = true;
    }
    if (stopping_ || (options_.one_off && child.finished)) {
        return;
    }
    if (child.removed) {
        log_->info("stream " + name + " was removed");
        children_.erase(name);
        return;
    }
    if (child.next) {
        child.stream = std::move(*child.next);
        child.next.reset();
        log_->info("stream " + name + " starts again with its new settings");
        start_stream(child);
        return;
    }
    if (Clock::now() - child.started > healthy_time) {
        child.restarts_in_a_row = 0;
    }
    ++child.restarts;
    ++child.restarts_in_a_row;
    const std::string how = "the process of stream " + name + " ended with " + how_it_ended(status);
    if (options_.one_off && child.restarts > most_one_off_restarts) {
        something_left_ = true;
        child.finished = process::Finished{false};
        log_->error(how + " for the last time");
        audience_.left(name, {child.stream.settings.at("data_stream").at("directory").front(), how});
        return;
    }
    log_->error(how + "; it is started again");
    child.report.last_error = how;
    child.report.last_error_time = std::time(nullptr);
    child.restart_timer =
        loop_.call_after(restart_delay(child.restarts_in_a_row), [this, &child] { start_stream(child); });
}

void Controller::begin_stop() {
    stopping_ = true;
    ::sd_notify(0, "STOPPING=1");
    for (const auto& [name, child] : children_) {
        stop_stream(*child, false);
    }
    loop_.call_after(global_.shutdown_grace, [this] {
        for (const auto& [name, child] : children_) {
            if (child->pid > 0) {
                log_->error("the process of stream " + name + " did not end in time and is killed");
                ::kill(child->pid, SIGKILL);
            }
        }
    });
    finish_if_done();
}

void Controller::finish_if_done() {
    if (!options_.one_off && !stopping_) {
        return;
    }
    const bool done = std::all_of(children_.begin(), children_.end(), [&](const auto& entry) {
        return entry.second->pid < 0 && (stopping_ || entry.second->finished);
    });
    if (done) {
        loop_.call_after(0ms, [this] { loop_.stop(); });
    }
}

void Controller::check_health() {
    const auto now = Clock::now();
    for (const auto& [name, child] : children_) {
        if (child->pid > 0 && now - child->heard > longest_silence) {
            log_->critical("the process of stream " + name + " hangs and is killed");
            ::kill(child->pid, SIGKILL);
        }
    }
    if (!stopping_) {
        loop_.call_after(health_interval, [this] { check_health(); });
    }
}

void Controller::watch_configuration() {
    for (const Watcher::WatchId watch : config_watches_) {
        watcher_->remove(watch);
    }
    config_watches_.clear();
    const std::filesystem::path file_name = configuration_.file.filename();
    const auto watch = [&](const std::filesystem::path& directory, auto concerns) {
        std::string problem;
        config_watches_.push_back(watcher_->add(
            directory.string(),
            [this, concerns](const Watcher::Events& events) {
                if (events.lost || std::any_of(events.names.begin(), events.names.end(), concerns)) {
                    reload_soon();
                }
            },
            problem));
    };
    watch(configuration_.file.parent_path(),
          [file_name](const std::string& name) { return name == file_name; });
    watch(global_.config_dir,
          [](const std::string& name) { return name.ends_with(".yaml") && name.front() != '.'; });
}

// Editors write a file in several steps.
void Controller::reload_soon() {
    loop_.cancel(reload_timer_);
    reload_timer_ = loop_.call_after(200ms, [this] { reload(); });
}

void Controller::reload() {
    if (stopping_) {
        return;
    }
    config::Configuration fresh;
    const bool usable = load_configuration(fresh);
    for (const config::Problem& problem : fresh.problems) {
        log_->error(to_string(problem) + " (the old settings stay in force)");
    }
    if (!usable) {
        configuration_.problems = fresh.problems;
        return;
    }
    std::set<std::string> broken;
    for (const config::Problem& problem : fresh.problems) {
        broken.insert(problem.stream);
    }
    std::set<std::string> wanted;
    for (const config::Stream& stream : fresh.streams) {
        if (!sends(stream)) {
            continue;
        }
        wanted.insert(stream.name);
        const auto found = children_.find(stream.name);
        if (found == children_.end()) {
            log_->info("stream " + stream.name + " is new");
            auto& child = children_[stream.name] = std::make_unique<StreamChild>();
            child->stream = stream;
            start_stream(*child);
        } else if ((found->second->next ? *found->second->next : found->second->stream).settings !=
                       stream.settings ||
                   found->second->removed) {
            StreamChild& child = *found->second;
            child.removed = false;
            child.next = stream;
            stop_stream(child, false);
            if (child.pid < 0) {
                child.stream = std::move(*child.next);
                child.next.reset();
                start_stream(child);
            }
        }
    }
    std::vector<std::string> gone;
    for (const auto& [name, child] : children_) {
        if (!wanted.contains(name) && !broken.contains(child->stream.file.stem().string())) {
            child->removed = true;
            stop_stream(*child, true);
            if (child->pid < 0) {
                gone.push_back(name);
            }
        }
    }
    for (const std::string& name : gone) {
        children_.erase(name);
    }
    configuration_ = std::move(fresh);
    send_log_settings();
    watch_configuration();
}

void Controller::tell_progress() {
    audience_.progress(children_);
    loop_.call_after(1s, [this] { tell_progress(); });
}

void Controller::systemd_watchdog() {
    std::uint64_t interval_us = 0;
    if (::sd_watchdog_enabled(0, &interval_us) > 0) {
        ::sd_notify(0, "WATCHDOG=1");
        loop_.call_after(std::chrono::milliseconds{interval_us / 2000}, [this] { systemd_watchdog(); });
    }
}

}  // namespace mistamover::supervisor
