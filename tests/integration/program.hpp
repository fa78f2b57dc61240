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

/// A configuration with streams of the module local, below a scratch directory: NAME.in is moved to NAME.out.
class Site {
  public:
    /// `target_parent`: where the target directories lie; default, beside the sources.
    explicit Site(const std::filesystem::path& target_parent = std::filesystem::temp_directory_path());

    /// Writes the stream's file and makes its directories. `extra` goes into the `outgoing` section.
    void add_stream(const std::string& name, const std::string& extra = "");
    [[nodiscard]] std::filesystem::path source(const std::string& name = "p") const {
        return home_ / (name + ".in");
    }
    [[nodiscard]] std::filesystem::path target(const std::string& name = "p") const {
        return targets_ / (name + ".out");
    }
    [[nodiscard]] std::filesystem::path config() const { return home_ / "mistamover.yaml"; }
    [[nodiscard]] std::filesystem::path home() const { return home_.path(); }
    [[nodiscard]] std::string log(const std::string& name) const {
        return read_file(home_.path() / "log" / (name + ".log"));
    }
    [[nodiscard]] ProgramResult one_off() const { return run_program({"run", config().string()}); }

  private:
    Scratch home_;
    Scratch targets_;
};

/// A daemon of the site, started with --daemon and stopped, at the latest, by the destructor.
class Daemon {
  public:
    explicit Daemon(const Site& site);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// The controller at present; 0 where there is none.
    [[nodiscard]] pid_t controller() const;
    /// All processes of this site: controller, log server, transfer processes.
    [[nodiscard]] std::vector<pid_t> processes() const;
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
