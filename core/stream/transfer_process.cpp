// SPDX-License-Identifier: BSD-3-Clause
#include "stream/transfer_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <mistamover/units.hpp>

#include "config/secret_file.hpp"
#include "process/heartbeats.hpp"
#include "process/spawn.hpp"
#include "process/work_lock.hpp"
#include "process/work_wait.hpp"
#include "stream/stream_controller.hpp"

namespace mistamover::stream {
namespace {

constexpr unsigned last_words_seconds = 5;

// The dot-name under which this stream may leave temporary files at the target: not that of another stream or
// host.
std::string temp_dir_name(const config::StreamSettings& settings) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    const std::size_t hash = std::hash<std::string>{}(std::string(host.data()) + '\0' + settings.name + '\0' +
                                                      settings.directory.string());
    std::array<char, 40> name{};
    std::snprintf(name.data(), name.size(), ".mistamover-%016zx", hash);
    return name.data();
}

class TransferProcess {
  public:
    explicit TransferProcess(std::string name)
        : name_(std::move(name)), log_socket_(process::log_fd, logging::LogSocket::WhenFull::wait) {}

    int run() {
        std::signal(SIGIO, SIG_IGN);  // sent when somebody opens a file while its lease is asked for
        loop_.handle_signals({SIGTERM, SIGINT, SIGUSR1}, [this](int signal, int) { on_signal(signal); });
        channel_.emplace(
            loop_, process::UniqueFd(process::channel_fd),
            [this](process::Message&& message) { on_message(message); }, [this] { on_controller_gone(); });
        loop_.run();
        if (channel_) {
            channel_->flush_blocking();
        }
        controller_.reset();
        return failed_ ? 1 : 0;
    }

  private:
    void on_message(const process::Message& message) {
        if (const auto* configure = std::get_if<process::Configure>(&message)) {
            or_refuse([&] { set_up(*configure); });
            heartbeats_.emplace(loop_, *channel_, process::idle_heartbeat_interval);
        } else if (controller_) {
            controller_->handle(message);
        } else if (is_to_begin() && !std::holds_alternative<process::Stop>(message)) {
            early_.push_back(message);
        } else if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
            channel_->send(process::UnitsHeld{wanted->request, wanted->names});  // it sends nothing at all
        } else if (std::holds_alternative<process::Stop>(message)) {
            loop_.stop();
        }
    }

    void on_signal(int signal) {
        if (!controller_) {
            loop_.stop();
        } else if (signal == SIGUSR1) {
            controller_->handle(process::StopStream{});
        } else {
            controller_->stop(settings_.global.shutdown_grace);
            end_after_grace();
        }
    }

    // Another controller may be about to start this stream again: give up at once.
    void on_controller_gone() {
        cancel_.cancel();
        if (controller_) {
            controller_->stop(std::chrono::milliseconds{0});
            end_after_grace();
        } else {
            loop_.stop();
        }
    }

    // A module that hangs hears of no cancelling, and the process that waits for it keeps the stream from the
    // next one. As after a crash, nothing counts of what is half done. Of a Stop the controller sees to it.
    void end_after_grace() {
        loop_.call_after(settings_.global.shutdown_grace, [this] {
            ::alarm(last_words_seconds);  // the log may be what holds it up
            log_->error("the transfer module has not come back within " +
                        format_duration(settings_.global.shutdown_grace) +
                        ": the process ends without it; what was not proved is sent again");
            ::_exit(1);
        });
    }

    void or_refuse(const std::function<void()>& step) {
        try {
            step();
        } catch (const std::exception& error) {
            wait_.over();
            refuse(error.what());
        }
    }

    void set_up(const process::Configure& configure) {
        settings_ = config::stream_settings(config::parse_settings(configure.settings));
        work_dir_ = configure.work_dir;
        one_off_ = configure.one_off;
        log_.emplace(log_socket_, "dtc_" + settings_.name, settings_.global.logging.level);
        begin_or_look_again(configure.held);
    }

    [[nodiscard]] bool is_to_begin() const { return wait_.is_under_way() || !obstacle_.empty(); }

    // What the host refuses, as a directory whose disk is not mounted yet, it may grant later.
    void begin_or_look_again(const std::vector<std::string>& held) {
        try {
            begin(held);
        } catch (const std::system_error& error) {
            if (one_off_) {
                throw;
            }
            controller_.reset();
            source_.reset();
            look_again(held, error.what());
        }
        if (controller_) {
            for (const process::Message& message : std::exchange(early_, {})) {
                controller_->handle(message);
            }
        }
    }

    void look_again(const std::vector<std::string>& held, const std::string& obstacle) {
        const std::chrono::milliseconds pause = settings_.global.general_poll_interval;
        wait_.over();
        if (std::exchange(obstacle_, obstacle) != obstacle) {
            tell_failure(obstacle + "; it is tried again every " + format_duration(pause));
        }
        loop_.call_after(pause, [this, held] { or_refuse([&] { begin_or_look_again(held); }); });
    }

    // Whose end has to come before it may send anything; empty: nobody's.
    std::string what_goes_on_here() {
        if (!lock_.valid()) {
            lock_ = process::try_work_lock(work_dir_);
        }
        if (!lock_.valid()) {
            return "an earlier process";
        }
        // A monitor, perhaps of an earlier controller, may delete units that it would send.
        return process::work_is_held_back(work_dir_, settings_.directory.string())
                   ? "a deletion in its directory"
                   : "";
    }

    void begin(const std::vector<std::string>& held) {
        if (const std::string what_for = what_goes_on_here(); !what_for.empty()) {
            wait_.try_again(what_for, [this, held] { or_refuse([&] { begin_or_look_again(held); }); });
            return;
        }
        wait_.over();
        if (!module_) {
            load_plugin(settings_.global.logging.level);
        }
        source_.emplace(settings_);
        controller_.emplace(loop_, *channel_, settings_, one_off_, *log_, *source_, *module_,
                            Capabilities(plugin_->descriptor().capabilities), *context_, cancel_,
                            temp_dir_name(settings_), work_dir_);
        controller_->start(held);
        if (!std::exchange(obstacle_, "").empty()) {
            log_->info("nothing keeps it from starting any more");
        }
    }

    // `password_file` may be set for any plugin that wants a password, but not every one reads the file.
    [[nodiscard]] auto options_for_plugin() const {
        auto options = settings_.plugin_options;
        const PluginDescriptor& plugin = plugin_->descriptor();
        const std::span<const OptionSpec> declared(plugin.options, plugin.option_count);
        const bool knows_file = std::any_of(declared.begin(), declared.end(), [](const OptionSpec& option) {
            return std::string_view(option.name) == "password_file";
        });
        if (!knows_file) {
            config::take_password_from_file(plugin.name, options);
        }
        return options;
    }

    void load_plugin(LogLevel level) {
        const std::string& plugin = settings_.outgoing.plugin;
        plugin_.emplace(plugin_host::find_plugin(plugin, settings_.global.plugin_path));
        const std::string log_name = std::string(plugin_->descriptor().name) + '_' + settings_.name;
        const auto limit = settings_.outgoing.bandwidth_limit.value_or(ByteCount{}).bytes;
        context_.emplace(logging::Logger(log_socket_, log_name, level), cancel_, limit,
                         settings_.outgoing.stall_timeout);
        const auto plugin_options = options_for_plugin();
        std::vector<std::vector<std::string_view>> values;
        values.reserve(plugin_options.size());
        std::vector<OptionValue> options;
        for (const auto& [key, texts] : plugin_options) {
            values.emplace_back(texts.begin(), texts.end());
            options.push_back({key, values.back()});
        }
        const std::string temp_dir = temp_dir_name(settings_);
        ModuleSettings module;
        module.stream = settings_.name;
        module.target_host = settings_.outgoing.target_host;
        module.target_dir = settings_.outgoing.target_dir;
        module.temp_dir = temp_dir;
        module.work_dir = work_dir_;
        module.options = options;
        module.bandwidth_limit = limit;
        module.parallel_sessions = settings_.outgoing.parallel_transfers;
        module.mode = settings_.outgoing.mode;
        module.publish = settings_.outgoing.publish;
        Status status;
        module_ = plugin_->create_module(module, status);
        if (!module_) {
            throw std::runtime_error(std::string(status.text()));
        }
    }

    void tell_failure(const std::string& reason) {
        logging::Logger(log_socket_, "dtc_" + name_, LogLevel::debug).critical("cannot start: " + reason);
        process::StreamReport report;
        report.state = process::StreamState::failed;
        report.reason = reason;
        report.last_error = reason;
        channel_->send(report);
    }

    void refuse(const std::string& reason) {
        obstacle_.clear();
        tell_failure(reason);
        if (one_off_) {
            channel_->send(process::UnitLeft{settings_.directory.string(), reason});
            channel_->send(process::Finished{false});
            failed_ = true;
            loop_.stop();
        }
        // Otherwise it waits, visibly, for its configuration to be mended, or for a SIGHUP to the controller.
    }

    std::string name_;
    logging::LogSocket log_socket_;
    process::EventLoop loop_;
    std::optional<process::Channel> channel_;
    std::optional<process::Heartbeats> heartbeats_;
    config::StreamSettings settings_;
    std::string work_dir_;
    bool one_off_ = false;
    bool failed_ = false;
    std::optional<logging::Logger> log_;
    process::WorkWait wait_{loop_, [this](const std::string& text) { log_->info(text); }};
    std::string obstacle_;                 ///< What the host refuses, so that it cannot begin yet.
    std::vector<process::Message> early_;  ///< What came while it waited: for the controller.
    process::UniqueFd lock_;
    CancelToken cancel_;
    std::optional<plugin_host::Plugin> plugin_;
    std::optional<StreamSessionContext> context_;
    plugin_host::Plugin::ModulePointer module_;
    std::optional<SourceDirectory> source_;
    std::optional<StreamController> controller_;
};

}  // namespace

int run_transfer_process(const std::string& stream_name) {
    process::set_process_name("mm:" + stream_name);
    return TransferProcess(stream_name).run();
}

}  // namespace mistamover::stream
