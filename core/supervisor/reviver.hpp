// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mistamover::supervisor {

/// Brings a daemon's controller back for as long as one is wanted. It ends for two reasons alone: the pid
/// file has gone, so that the end was a clean one; or a controller that has the lock has announced itself,
/// and so has a log server of its own that watches over it. Whatever else becomes of a controller that it
/// started, a refusal of the configuration included, it tells why and starts another, after a growing pause.
class Reviver {
  public:
    using Report = std::function<void(const std::string& text)>;

    /// `arguments`: what a controller is started with. `report` takes what is to be logged. `program`: this
    /// same executable, but for tests.
    Reviver(std::filesystem::path run_dir, std::vector<std::string> arguments, Report report,
            std::string program = "/proc/self/exe");

    ~Reviver();
    Reviver(const Reviver&) = delete;
    Reviver& operator=(const Reviver&) = delete;

    /// To be called where the controller with this pid has ended, or ends just now, after it had lived so
    /// long: one that dies as soon as it runs is not started again at once. Returns when there is nothing
    /// left to do.
    void revive(pid_t dead_controller, std::chrono::milliseconds lived);

  private:
    enum class Presence { not_wanted, running, starting, dead };
    class Attempt;
    Presence look();
    bool step();

    std::filesystem::path run_dir_;
    std::vector<std::string> arguments_;
    std::string program_;
    Report report_;
    pid_t dead_controller_ = 0;
    std::unique_ptr<Attempt> attempt_;
    std::chrono::milliseconds pause_{100};
    std::chrono::steady_clock::time_point next_try_;
};

}  // namespace mistamover::supervisor
