// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "plugin_host/schema_query.hpp"
#include "process/event_loop.hpp"
#include "supervisor/background_loader.hpp"
#include "supervisor/child_group.hpp"
#include "supervisor/configuration_watch.hpp"
#include "supervisor/control_socket.hpp"
#include "supervisor/disk_space_monitors.hpp"
#include "supervisor/instance_lock.hpp"
#include "supervisor/log_service.hpp"
#include "supervisor/mount_watch.hpp"
#include "supervisor/service_manager.hpp"
#include "supervisor/stream_processes.hpp"
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
    virtual void problem(const std::string& text) = 0;
    virtual void progress(const Children& children) = 0;
    virtual void left(const std::string& stream, const process::UnitLeft& unit) = 0;
    /// A child for every stream, of which stream and report are given: where a stream only receives, the
    /// report is that of its arrivals monitor.
    virtual void summary(const Children& children) = 0;

  protected:
    ~Audience() = default;
};

/// Reads the configuration and starts, watches, restarts and stops all other processes. Never loads a plugin
/// and never touches a file of a stream. Lives on the thread that calls run.
class Controller {
  public:
    /// `on_ready` is called once nothing is left that may keep it from running, before the first stream's
    /// process is started.
    Controller(ControllerOptions options, Audience& audience, std::function<void()> on_ready);
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    /// Returns the exit code of SPEC section 2, 128+n after a clean stop by signal n included.
    int run();

  private:
    void set_up();
    void announce();
    void check_lock();
    void check_log_directory() const;
    void start_streams();
    void go_on();
    void send_what_has_arrived();
    int run_streams();
    int end();
    void on_signal(int signal);
    void on_child_ended();
    pid_t wait_for_ended(int& status);
    void begin_stop();
    void finish_if_done();
    void check_health();
    /// All children but the log server.
    [[nodiscard]] std::array<ChildGroup*, 3> groups() { return {&*transfers_, &*arrivals_, &*disk_space_}; }
    [[nodiscard]] std::array<StreamProcesses*, 2> of_streams() { return {&*transfers_, &*arrivals_}; }
    [[nodiscard]] Children one_of_each_stream();
    [[nodiscard]] std::vector<config::Problem> problems() const;
    void tell_progress();
    void reload();
    void look_again_later();
    void apply(config::Configuration&& fresh);
    void refuse_unusable_log_directory(config::Configuration& fresh) const;
    void report(LogLevel level, const std::vector<config::Problem>& found,
                const std::vector<config::Problem>& known, const std::string& consequence) const;
    void set_grace();
    void take_global_settings(const config::Configuration& fresh);
    [[nodiscard]] std::string summary() const;

    ControllerOptions options_;
    Audience& audience_;
    std::function<void()> on_ready_;
    process::EventLoop loop_;
    ServiceManager service_manager_{loop_};
    /// Shared with a thread that may outlive this.
    std::shared_ptr<plugin_host::ChildSchemaSource> schemas_ =
        std::make_shared<plugin_host::ChildSchemaSource>();
    config::Configuration configuration_;
    config::GlobalSettings global_;
    std::optional<InstanceLock> lock_;
    std::optional<LogService> log_;
    std::optional<Watcher> watcher_;
    std::optional<ControlSocket> control_socket_;
    std::optional<StreamProcesses> transfers_;
    std::optional<StreamProcesses> arrivals_;
    std::optional<DiskSpaceMonitors> disk_space_;
    std::optional<BackgroundLoader> loader_;
    std::optional<ConfigurationWatch> configuration_watch_;
    std::optional<MountWatch> mount_watch_;
    std::int64_t started_ = 0;
    process::EventLoop::TimerId look_again_timer_ = 0;  ///< While the configuration has problems.
    int stop_signal_ = 0;
    bool stopping_ = false;
    bool told_to_reload_ = false;
    bool announced_ = false;  ///< The pid file is written.
    bool told_not_announced_ = false;
    bool told_lock_gone_ = false;
};

}  // namespace mistamover::supervisor
