// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "process/channel.hpp"

namespace mistamover::supervisor {

/// Units that are about to be deleted, and that nobody is to send meanwhile, by the directory: it may get a
/// process while they are held, and of a stream of another name. Who works in a directory is the caller's to
/// say; it is never more than one process.
class UnitHolds {
  public:
    using Names = std::vector<std::string>;
    using OnHeld = std::function<void(Names&& names)>;

    /// Nobody can send any of these: they are held, and `on_held` is called with them.
    void hold(const std::string& directory, Names names, const OnHeld& on_held);
    /// Asks the process that works there, by whatever path it knows the directory. `on_held` is called with
    /// the names that it answers, or with none once the process has ended; never where something else is
    /// asked there, or all is released, before that.
    void ask(const std::string& directory, Names names, pid_t process, process::Channel& channel,
             OnHeld on_held);
    /// A process has answered, maybe what nobody waits for any more.
    void answered(process::UnitsHeld&& answer);
    /// A process has ended, maybe one that was asked nothing.
    void ended(pid_t process);
    void release(const std::string& directory);

    /// What a process that comes to work there is not to send.
    [[nodiscard]] Names held_in(const std::string& directory) const;

  private:
    struct Question {
        std::uint64_t request = 0;
        pid_t process = -1;
        OnHeld on_held;
    };
    void settle(std::map<std::string, Question>::iterator question, Names&& names);

    std::map<std::string, Names> held_;
    std::map<std::string, Question> asked_;  ///< What has no answer yet.
    std::uint64_t last_request_ = 0;
};

}  // namespace mistamover::supervisor
