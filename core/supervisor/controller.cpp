// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/controller.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <set>
#include <stdexcept>
#include <sys/wait.h>

#include "logging/log_writer.hpp"
#include "process/open_files.hpp"
#include "process/spawn.hpp"
#include "supervisor/selected_configuration.hpp"
#include "supervisor/status_report.hpp"

namespace mistamover::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr auto progress_interval = 1s;
constexpr std::chrono::milliseconds shortest_time_with_problems = 1min;
constexpr auto last_records_limit = 5s;  // for the log server to write them

config::Configuration load(const ControllerOptions& options, config::SchemaSource& schemas) {
    config::Configuration loaded =
        selected(config::load(options.config_file, config::environment_strings(), schemas), options.streams);
    return options.debug ? with_debug(std::move(loaded)) : loaded;
}

// Empty: it can be used.
std::string problem_of_log_directory(const std::filesystem::path& directory) {
    const std::string why = logging::why_unusable(directory);
    return why.empty() ? "" : "logging.base_log_dir " + directory.string() + " cannot be used: " + why;
}

}  // namespace

Controller::Controller(ControllerOptions options, Audience& audience, std::function<void()> on_ready)
    : options_(std::move(options)), audience_(audience), on_ready_(std::move(on_ready)) {}

Controller::~Controller() = default;

int Controller::run() {
    process::set_process_name("mm:ctl");
    process::allow_many_files();
    // Whoever reads what it prints may go first.
    (void)std::signal(SIGPIPE, SIG_IGN);
    // Before anything that takes time: who stops the daemon while it starts means it.
    loop_.handle_signals({SIGCHLD, SIGTERM, SIGINT, SIGHUP}, [this](int signal, int) { on_signal(signal); });
    configuration_ = load(options_, *schemas_);
    for (const config::Problem& problem : configuration_.problems) {
        audience_.problem(to_string(problem));
    }
    for (const config::Problem& warning : configuration_.warnings) {
        audience_.problem(to_string(warning));
    }
    if (!configuration_.usable() || (configuration_.streams.empty() && !configuration_.problems.empty())) {
        return 2;
    }
    global_ = config::global_settings(configuration_.global);
    try {
        set_up();
    } catch (const std::exception& error) {
        audience_.problem(error.what());
        if (lock_ && !options_.revived) {
            lock_->withdraw();
        }
        return 3;
    }
    return run_streams();
}

void Controller::set_up() {
    lock_.emplace(global_.run_dir);
    check_log_directory();
    watcher_.emplace(loop_);
    std::vector<std::string> server_arguments;
    if (!options_.revive_arguments.empty()) {
        server_arguments.push_back(global_.run_dir.string());
        server_arguments.insert(server_arguments.end(), options_.revive_arguments.begin(),
                                options_.revive_arguments.end());
    }
    log_.emplace(loop_, server_arguments);
    log_->use_settings(configuration_.global, global_.logging.level);
    log_->on_problem([this](const std::string& problem) { audience_.problem(problem); });
    const StreamProcesses::Options options{options_.one_off, global_.run_dir};
    const auto on_left = [this](const std::string& stream, const process::UnitLeft& unit) {
        audience_.left(stream, unit);
        // It may tell of a stream that is given up without a process, of whose end nothing would be heard.
        loop_.call_after(0ms, [this] { go_on(); });
    };
    transfers_.emplace(loop_, *watcher_, *log_, transfer_process, options, on_left);
    arrivals_.emplace(loop_, *watcher_, *log_, arrivals_monitor, options, on_left);
    disk_space_.emplace(loop_, *log_, *transfers_, global_.run_dir);
    set_grace();
    control_socket_.emplace(loop_, global_.run_dir, [this](const std::string& request) {
        return request == "status" ? status_json(transfers_->children(), arrivals_->children(),
                                                 disk_space_->children(), problems(), started_)
                                   : std::string(R"({"error":"unknown request"})");
    });
    loader_.emplace(
        loop_, [options = options_, schemas = schemas_] { return load(options, *schemas); },
        [this](config::Configuration&& fresh) { apply(std::move(fresh)); });
    configuration_watch_.emplace(loop_, *watcher_, [this] { reload(); });
    log_->start_server();
    if (InstanceLock::announced(global_.run_dir) == 0) {
        StreamProcesses::forget_stopped(global_.run_dir);
    }
    announce();
    on_ready_();
}

// A disk that is full keeps nothing from running that may empty it. The lock alone tells that this runs.
void Controller::announce() {
    const std::string problem = lock_->announce();
    if (!problem.empty() && !told_not_announced_) {
        log_->log().warning(problem + "; it is tried again every minute");
    }
    announced_ = problem.empty();
    told_not_announced_ = !announced_;
}

void Controller::check_lock() {
    const bool has_gone = !lock_->is_in_place();
    if (!announced_ && !has_gone) {
        try {
            announce();
        } catch (const std::exception& error) {
            log_->log().error(error.what());
        }
    }
    if (has_gone && !told_lock_gone_) {
        log_->log().critical(
            "the lock file in global.run_dir " + global_.run_dir.string() +
            " was removed while the daemon runs: stop it, and start it again, before another "
            "one is started beside it");
    }
    told_lock_gone_ = has_gone;
}

// One that was brought back goes on as the one before it did, where it wrote no log either: `status` tells.
void Controller::check_log_directory() const {
    const std::string problem = problem_of_log_directory(global_.logging.base_log_dir);
    if (!problem.empty() && !options_.revived) {
        throw std::runtime_error(problem);
    }
}

void Controller::start_streams() {
    started_ = std::time(nullptr);
    log_->log().info("started with " + std::to_string(configuration_.streams.size()) + " streams");
    report(LogLevel::error, configuration_.problems, {}, "");
    report(LogLevel::warning, configuration_.warnings, {}, "");
    for (const config::Stream& stream : configuration_.streams) {
        arrivals_->add(stream);
        // One pass over the stream shall find all that arrives in it.
        const bool waits = options_.one_off && arrivals_->children().contains(stream.name);
        transfers_->add(stream, waits ? StreamProcesses::Begin::later : StreamProcesses::Begin::at_once);
    }
    if (options_.one_off) {
        loop_.call_after(progress_interval, [this] { tell_progress(); });
    } else {
        mount_watch_.emplace(loop_, [this] {
            for (ChildGroup* group : groups()) {
                group->mounts_changed();
            }
        });
        disk_space_->apply(configuration_);
        configuration_watch_->watch(configuration_.file, global_.config_dir, global_.general_poll_interval);
        look_again_later();
    }
    loop_.call_after(HealthCheck::interval, [this] { check_health(); });
    service_manager_.start_watchdog();
    ServiceManager::ready(summary());
    finish_if_done();
}

int Controller::run_streams() {
    try {
        start_streams();
        loop_.run();
    } catch (const std::exception& error) {
        // The pid file stays, so that the log server, or systemd, starts another controller.
        const std::string problem = std::string("ended by an error: ") + error.what();
        log_->log().critical(problem);
        audience_.problem(problem);
        return 3;
    }
    return end();
}

int Controller::end() {
    audience_.summary(one_of_each_stream());
    log_->log().info("ended");
    const bool something_left = transfers_->something_left() || arrivals_->something_left() ||
                                (options_.one_off && !configuration_.problems.empty());
    disk_space_.reset();
    transfers_.reset();
    arrivals_.reset();
    control_socket_.reset();
    lock_->withdraw();
    log_->finish(last_records_limit);
    if (stop_signal_ != 0) {
        return 128 + stop_signal_;
    }
    return something_left ? 1 : 0;
}

void Controller::on_signal(int signal) {
    if (signal == SIGCHLD) {
        on_child_ended();
    } else if (signal == SIGHUP) {
        log_->reopen_files();
        if (!options_.one_off) {
            told_to_reload_ = true;
            reload();
        }
    } else if (!stopping_) {
        stop_signal_ = signal;
        log_->log().info("stopping, because of signal " + std::to_string(signal));
        begin_stop();
    }
}

void Controller::on_child_ended() {
    int status = 0;
    for (pid_t pid = wait_for_ended(status); pid > 0; pid = wait_for_ended(status)) {
        if (!log_->process_ended(pid, status)) {
            for (ChildGroup* group : groups()) {
                group->process_ended(pid, status);
            }
        }
    }
    go_on();
}

void Controller::go_on() {
    if (options_.one_off) {
        send_what_has_arrived();
    }
    finish_if_done();
}

void Controller::send_what_has_arrived() {
    for (const auto& [name, child] : arrivals_->children()) {
        if (child->finished && child->pid < 0) {
            transfers_->begin(name);
        }
    }
}

// A child that has ended; 0 or less: none.
pid_t Controller::wait_for_ended(int& status) {
    if (!loader_->busy()) {
        return ::waitpid(-1, &status, WNOHANG);
    }
    // There may be children that the loading thread waits for.
    std::vector<pid_t> own{log_->server()};
    for (const ChildGroup* group : groups()) {
        const std::vector<pid_t> pids = group->pids();
        own.insert(own.end(), pids.begin(), pids.end());
    }
    const auto ended = std::find_if(own.begin(), own.end(), [&](pid_t pid) {
        return pid > 0 && ::waitpid(pid, &status, WNOHANG) == pid;
    });
    return ended == own.end() ? 0 : *ended;
}

void Controller::begin_stop() {
    stopping_ = true;
    ServiceManager::stopping();
    for (ChildGroup* group : groups()) {
        group->stop();
    }
    finish_if_done();
}

void Controller::finish_if_done() {
    const auto all = groups();
    if ((options_.one_off || stopping_) &&
        std::all_of(all.begin(), all.end(), [](const ChildGroup* group) { return group->done(); })) {
        loop_.call_after(0ms, [this] { loop_.stop(); });
    }
}

void Controller::check_health() {
    for (ChildGroup* group : groups()) {
        group->check_health();
    }
    check_lock();
    if (!options_.one_off) {
        configuration_watch_->look_again();
    }
    loop_.call_after(HealthCheck::interval, [this] { check_health(); });
}

Children Controller::one_of_each_stream() {
    Children all;
    for (const StreamProcesses* kind : of_streams()) {
        for (const auto& [name, child] : kind->children()) {
            if (const auto [at, is_first] = all.try_emplace(name); is_first) {
                at->second = std::make_unique<StreamChild>();
                at->second->stream = child->stream;
                at->second->report = child->report;
            }
        }
    }
    return all;
}

// Of the configuration, and of the log.
std::vector<config::Problem> Controller::problems() const {
    std::vector<config::Problem> all = configuration_.problems;
    if (!log_->problem().empty()) {
        all.push_back({"logging", 0, 0, "", log_->problem()});
    }
    return all;
}

void Controller::tell_progress() {
    audience_.progress(transfers_->children());
    loop_.call_after(progress_interval, [this] { tell_progress(); });
}

// The watches come first, so that no change goes unnoticed that comes after the reading.
void Controller::reload() {
    if (!stopping_) {
        configuration_watch_->watch(configuration_.file, global_.config_dir, global_.general_poll_interval);
        ServiceManager::reloading();
        loader_->start();
    }
}

// What mends a problem may be far from what is watched: a password_file, a directory, a module.
void Controller::look_again_later() {
    loop_.cancel(look_again_timer_);
    look_again_timer_ = 0;
    if (!configuration_.problems.empty()) {
        look_again_timer_ = loop_.call_after(
            std::max(shortest_time_with_problems, global_.general_poll_interval), [this] { reload(); });
    }
}

void Controller::apply(config::Configuration&& fresh) {
    if (stopping_) {
        return;
    }
    refuse_unusable_log_directory(fresh);
    report(LogLevel::error, fresh.problems, configuration_.problems, " (the old settings stay in force)");
    if (fresh.usable()) {
        report(LogLevel::warning, fresh.warnings, configuration_.warnings, "");
        for (ChildGroup* group : groups()) {
            group->apply(fresh);
        }
        take_global_settings(fresh);
        configuration_ = std::move(fresh);
        configuration_watch_->watch(configuration_.file, global_.config_dir, global_.general_poll_interval);
    } else {
        configuration_.problems = std::move(fresh.problems);
    }
    if (told_to_reload_) {
        told_to_reload_ = false;
        for (StreamProcesses* kind : of_streams()) {
            kind->resume();
        }
    }
    look_again_later();
    ServiceManager::ready(summary());
}

// It would soon hold up everything that writes to the log.
void Controller::refuse_unusable_log_directory(config::Configuration& fresh) const {
    if (!fresh.usable()) {
        return;
    }
    const std::filesystem::path directory = config::global_settings(fresh.global).logging.base_log_dir;
    std::string problem =
        directory == global_.logging.base_log_dir ? "" : problem_of_log_directory(directory);
    if (!problem.empty()) {
        fresh.problems.push_back({fresh.file, 0, 0, "", std::move(problem)});
    }
}

// Once each, unless somebody asks by SIGHUP.
void Controller::report(LogLevel level, const std::vector<config::Problem>& found,
                        const std::vector<config::Problem>& known, const std::string& consequence) const {
    std::set<std::string> told;
    for (const config::Problem& problem : known) {
        told.insert(to_string(problem));
    }
    for (const config::Problem& problem : found) {
        const std::string text = to_string(problem);
        if (told_to_reload_ || !told.contains(text)) {
            log_->log().log(level, text + consequence);
        }
    }
}

void Controller::take_global_settings(const config::Configuration& fresh) {
    config::GlobalSettings global = config::global_settings(fresh.global);
    if (global.run_dir != config::global_settings(configuration_.global).run_dir) {
        log_->log().warning("global.run_dir cannot change while the daemon runs: " +
                            global_.run_dir.string() + " stays in use until it is stopped and started");
    }
    global.run_dir = global_.run_dir;
    global_ = std::move(global);
    log_->use_settings(fresh.global, global_.logging.level);
    set_grace();
}

void Controller::set_grace() {
    for (ChildGroup* group : groups()) {
        group->set_grace(global_.shutdown_grace);
    }
}

std::string Controller::summary() const {
    const std::size_t problems = configuration_.problems.size();
    return "streams: " + std::to_string(configuration_.streams.size()) +
           (problems == 0 ? "" : ", problems in the configuration: " + std::to_string(problems));
}

}  // namespace mistamover::supervisor
