// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "scratch.hpp"
#include "servers/server_process.hpp"

namespace mistamover::test {

/// A real rsync daemon on 127.0.0.1 that serves one directory, writable, as its module "data". It listens
/// from the start.
class Rsyncd {
  public:
    /// With `password`, the user "mover" must give it; else everybody is let in. `more`: further lines of the
    /// module's configuration.
    explicit Rsyncd(const std::filesystem::path& served, const std::string& password = "",
                    const std::string& more = "");

    [[nodiscard]] pid_t pid() const noexcept { return server_->pid(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return server_->port(); }
    [[nodiscard]] std::string log() const { return read_file(directory_ / "rsyncd.log"); }

    /// SIGKILL to the server and to every connection's processes.
    void kill() { server_->kill(); }
    void start() { server_->start(); }

  private:
    Scratch directory_;
    std::optional<ServerProcess> server_;
};

}  // namespace mistamover::test
