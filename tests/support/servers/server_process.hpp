// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mistamover::test {

/// A TCP port of 127.0.0.1 on which nobody listens, outside the range from which clients get theirs. No other
/// test gets it, or one of the hundred ports behind it, while this process lives.
std::uint16_t free_port();

/// Runs a program to its end; throws where it is missing, naming `package`, or fails.
void run_tool(const std::vector<std::string>& arguments, const std::string& package);

/// Children, grandchildren and so on, in whatever group; none of 0 and 1, to which everything belongs.
std::vector<pid_t> descendants_of(pid_t pid);

/// All have ended, whether somebody has waited for them or not: they hold no connection open any more. A
/// process may be no descendant, because its parent has ended, and yet not have ended.
bool have_ended(const std::vector<pid_t>& processes);

/// A server program that listens on a port of 127.0.0.1, for as long as the object lives.
class ServerProcess {
  public:
    /// Starts nothing. `arguments[0]` is looked up in PATH and in the directories of system programs; throws,
    /// naming the Debian `package` to install, where it is not there. What the server prints goes to `log`.
    ServerProcess(std::vector<std::string> arguments, const std::string& package, std::uint16_t port,
                  std::filesystem::path log);
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    /// Returns once it accepts connections; throws, with what it printed, where it does not.
    void start();
    /// SIGKILL to it and to all of its descendants, in whatever group; waits for its end. It can be started
    /// again.
    void kill();
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  private:
    [[nodiscard]] bool has_ended() const;

    std::vector<std::string> arguments_;
    std::uint16_t port_;
    std::filesystem::path log_;
    pid_t pid_ = -1;
};

}  // namespace mistamover::test
