// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include <mistamover/child_process.hpp>
#include <mistamover/transfer_module.hpp>

#include "rsync/rsync_command.hpp"

namespace mistamover::rsync {

/// A path for a socket named `name` in `directory` that is short enough for ssh. It leads through this
/// process's open descriptor of the directory where the direct one is too long.
class SocketPath {
  public:
    /// Removes what is left of that name. Throws StatusError.
    SocketPath(const std::string& directory, const std::string& name);
    ~SocketPath();
    SocketPath(const SocketPath&) = delete;
    SocketPath& operator=(const SocketPath&) = delete;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    int directory_ = -1;
    std::string text_;
};

/// The ssh connection of one session, which the session's other ssh processes share. Ended by the destructor.
/// Used by one thread, the one that made it.
class SshMaster {
  public:
    /// Connects, and returns once the connection can be shared. `socket` is what `commands` was made with.
    /// Throws StatusError.
    SshMaster(const CommandBuilder& commands, const SocketPath& socket, SessionContext& context);

    /// ok as long as it lives.
    Status check();

  private:
    void wait_until_ready(const SocketPath& socket, SessionContext& context);

    std::unique_ptr<Child> ssh_;
    std::string errors_;
};

}  // namespace mistamover::rsync
