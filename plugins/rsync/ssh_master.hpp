// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include <mistamover/child_process.hpp>
#include <mistamover/transfer_module.hpp>

#include "rsync/rsync_options.hpp"

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

/// An ssh connection that other ssh processes share. Ended by the destructor. Safe from several threads; the
/// one that made it must outlive it.
class SshMaster {
  public:
    /// Connects, and returns once the connection can be shared. `name` names its socket in the work
    /// directory. Throws StatusError.
    SshMaster(const RsyncOptions& options, const std::string& name, SessionContext& context);

    /// The path of its socket.
    [[nodiscard]] const std::string& socket() const noexcept { return socket_.text(); }
    /// ok as long as it lives.
    Status check();

  private:
    void wait_until_ready(SessionContext& context);

    SocketPath socket_;
    std::mutex mutex_;  ///< Guards the members below.
    std::unique_ptr<Child> ssh_;
    std::string errors_;
};

/// The connections of a module's sessions, several sessions on each: a connection costs a login, and the
/// memory that sshd takes for it page by page. Safe from several threads.
class SshMasters {
  public:
    /// A connection for one session more, made where there is none with room. Who waits for another's attempt
    /// is told its failure. Throws StatusError.
    std::shared_ptr<SshMaster> join(const RsyncOptions& options, SessionContext& context);
    /// For a session that ends, since its connection may be what failed: no further session joins it.
    void leave(const std::shared_ptr<SshMaster>& master);

  private:
    std::mutex mutex_;  ///< Held while a connection is made; guards the members below.
    std::weak_ptr<SshMaster> joinable_;
    std::size_t joined_ = 0;  ///< By so many sessions.
    unsigned made_ = 0;
    std::atomic<unsigned> failures_{0};
    Status last_failure_;
};

}  // namespace mistamover::rsync
