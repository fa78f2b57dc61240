// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <sys/types.h>
#include <vector>

#include "config/load.hpp"

namespace mistamover::supervisor {

/// Children of the controller of one kind: all that it does with every kind alike. A process that is in no
/// group is reaped by nobody.
class ChildGroup {
  public:
    /// How long a process that is to end may take before it is killed.
    virtual void set_grace(std::chrono::milliseconds grace) = 0;
    /// Starts, replaces and stops what the configuration, which is usable(), asks for.
    virtual void apply(const config::Configuration& configuration) = 0;
    /// Something was mounted or unmounted.
    virtual void mounts_changed() = 0;
    /// To be called where a child has ended that may be one of these.
    virtual void process_ended(pid_t pid, int status) = 0;
    /// Kills what hangs: every HealthCheck::interval.
    virtual void check_health() = 0;
    /// Stops all, for good.
    virtual void stop() = 0;
    /// True where every process has done what it was started for, or has ended after stop().
    [[nodiscard]] virtual bool done() const = 0;
    /// Those of the processes that there are.
    [[nodiscard]] virtual std::vector<pid_t> pids() const = 0;

  protected:
    ~ChildGroup() = default;
};

/// The pids of children that are given as a map's values.
template <typename Children>
std::vector<pid_t> pids_of(const Children& children) {
    std::vector<pid_t> pids;
    for (const auto& [name, child] : children) {
        if (child->pid > 0) {
            pids.push_back(child->pid);
        }
    }
    return pids;
}

}  // namespace mistamover::supervisor
