// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "scratch.hpp"

namespace mistamover::test {

struct ProgramResult {
    int exit_code = -1;  ///< 128 and the signal where one ended it.
    std::string output;  ///< Standard output and error output together.
};

/// Runs the built program to its end.
ProgramResult run_program(const std::vector<std::string>& arguments);

/// The built program beside the test; killed, at the latest, by the destructor.
class RunningProgram {
  public:
    /// `environment`: "NAME=value", on top of the test's own.
    explicit RunningProgram(const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment = {});
    ~RunningProgram();
    RunningProgram(const RunningProgram&) = delete;
    RunningProgram& operator=(const RunningProgram&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Waits for its end.
    ProgramResult wait();

  private:
    Scratch scratch_;
    pid_t pid_ = -1;
};

/// A configuration with streams of the module local, below a scratch directory: NAME.in is moved to NAME.out.
class Site {
  public:
    /// `target_parent`: where the target directories lie; default, beside the sources.
    explicit Site(const std::filesystem::path& target_parent = std::filesystem::temp_directory_path());

    /// Writes the stream's file and makes its directories. `extra` goes into the `outgoing` section.
    void add_stream(const std::string& name, const std::string& extra = "");
    /// The same with any module: `outgoing` has at least its `plugin`, `section` is the module's own.
    void add_stream_with(const std::string& name, const std::string& outgoing, const std::string& section);
    [[nodiscard]] std::filesystem::path source(const std::string& name = "p") const {
        return home_ / (name + ".in");
    }
    [[nodiscard]] std::filesystem::path target(const std::string& name = "p") const {
        return targets_ / (name + ".out");
    }
    /// The directory that holds all the targets.
    [[nodiscard]] std::filesystem::path targets() const { return targets_.path(); }
    [[nodiscard]] std::filesystem::path config() const { return home_ / "mistamover.yaml"; }
    [[nodiscard]] std::filesystem::path home() const { return home_.path(); }
    [[nodiscard]] std::string log(const std::string& name) const {
        return read_file(home_.path() / "log" / (name + ".log"));
    }
    /// What `status` tells of a stream: "idle"; "none" where it does not know the stream, empty where no
    /// daemon answers.
    [[nodiscard]] std::string state_of(const std::string& stream) const;
    /// Writes a file of this name and waits until the stream has carried it to its target.
    [[nodiscard]] bool carries(const std::string& name, const std::string& stream = "p") const;
    [[nodiscard]] ProgramResult one_off() const { return run_program({"run", config().string()}); }

  private:
    Scratch home_;
    Scratch targets_;
};

/// All processes of a site: controller, log server, transfer processes.
std::vector<pid_t> processes_of(const Site& site);

/// A daemon of the site, started with --daemon and stopped, at the latest, by the destructor.
class Daemon {
  public:
    /// `environment`: as RunningProgram takes it.
    explicit Daemon(const Site& site, const std::vector<std::string>& environment = {});
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// The controller at present; 0 where there is none.
    [[nodiscard]] pid_t controller() const;
    /// The one with this name, "mm:p"; 0 where there is none.
    [[nodiscard]] pid_t process(const std::string& name) const;
    [[nodiscard]] std::vector<pid_t> processes() const { return processes_of(site_); }
    /// True where exactly the controller and its own log server and `streams` transfer processes are there:
    /// nothing any more of an earlier controller, whose log server watches over nobody.
    [[nodiscard]] bool whole(std::size_t streams = 1) const;
    /// SIGKILL, and waits until that process has gone.
    static void kill(pid_t pid);
    /// The processes and the controller's last log records: for whoever reads why a test failed.
    [[nodiscard]] std::string description() const;
    /// SIGTERM, and waits until every process has gone; false where one stays.
    bool stop();

  private:
    const Site& site_;
};

/// 0 where the process has gone.
pid_t parent_of(pid_t pid);

/// The name that ps shows, "mm:ctl" and so on; empty where the process has gone.
std::string process_name(pid_t pid);

}  // namespace mistamover::test
