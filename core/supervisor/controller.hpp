// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "logging/client.hpp"
#include "plugin_host/schema_query.hpp"
#include "process/event_loop.hpp"
#include "supervisor/child.hpp"
#include "supervisor/control_socket.hpp"
#include "supervisor/instance_lock.hpp"
#include "supervisor/watcher.hpp"

namespace mistamover::supervisor {

struct ControllerOptions {
    std::filesystem::path config_file;  ///< Absolute.
    bool one_off = true;
    bool debug = false;
    std::vector<std::string> streams;  ///< Only these; empty: all.
    /// What the log server is to start where the controller dies: empty, nothing.
    std::vector<std::string> revive_arguments;
    /// Started by the log server of an earlier controller, which starts another where this one fails.
    bool revived = false;
};

/// What a person in front of a one-off run is told.
class Audience {
  public:
    using Children = std::map<std::string, std::unique_ptr<StreamChild>>;
    virtual void problem(const std::string& text) = 0;
    virtual void progress(const Children& children) = 0;
    virtual void left(const std::string& stream, const process::UnitLeft& unit) = 0;
    virtual void summary(const Children& children) = 0;

  protected:
    ~Audience() = default;
};

/// Reads the configuration and starts, watches, restarts and stops all other processes. Never loads a plugin
/// and never touches a file of a stream. Lives on the thread that calls run.
class Controller {
  public:
    /// `on_ready` is called once nothing is left that may keep it from running, before the first child is
    /// started.
    Controller(ControllerOptions options, Audience& audience, std::function<void()> on_ready);
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    /// Returns the exit code of SPEC section 2, but for 128+n, for which it returns after a clean stop by
    /// signal n.
    int run();

  private:
    bool load_configuration(config::Configuration& into);
    void start_log_server();
    void start_log_server_soon();
    int run_loop();
    void send_log_settings();
    void start_stream(StreamChild& child);
    void stop_stream(StreamChild& child, bool units_in_hand_only);
    void on_message(StreamChild& child, process::Message&& message);
    void on_watch_request(StreamChild& child, const process::WatchRequest& request);
    void try_watch(StreamChild& child);
    void on_signal(int signal);
    void on_child_ended();
    void stream_ended(StreamChild& child, int status);
    void begin_stop();
    void finish_if_done();
    void check_health();
    void watch_configuration();
    void reload_soon();
    void reload();
    void tell_progress();
    void systemd_watchdog();

    ControllerOptions options_;
    Audience& audience_;
    std::function<void()> on_ready_;
    process::EventLoop loop_;
    plugin_host::ChildSchemaSource schemas_;
    config::Configuration configuration_;
    config::GlobalSettings global_;
    std::optional<InstanceLock> lock_;
    process::UniqueFd log_reading_;
    std::optional<logging::LogSocket> log_socket_;
    std::optional<logging::Logger> log_;
    pid_t log_server_ = -1;
    process::UniqueFd log_control_;
    unsigned log_restarts_ = 0;
    std::chrono::steady_clock::time_point log_server_started_;
    std::optional<Watcher> watcher_;
    bool told_watch_refused_ = false;
    std::optional<ControlSocket> control_socket_;
    Audience::Children children_;
    process::EventLoop::TimerId reload_timer_ = 0;
    std::vector<Watcher::WatchId> config_watches_;
    std::int64_t started_ = 0;
    int stop_signal_ = 0;
    bool stopping_ = false;
    bool something_left_ = false;
};

}  // namespace mistamover::supervisor
