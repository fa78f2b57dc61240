// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "scratch.hpp"
#include "servers/certificates.hpp"
#include "servers/server_process.hpp"

namespace mistamover::test {

/// A real vsftpd on 127.0.0.1 that lets everybody write as the test's own user; paths are those of this
/// machine. It listens from the start.
class Vsftpd {
  public:
    enum class Tls { none, on_request, from_start };

    /// `configuration`: further lines of its file. With TLS, `certificate` is shown, and data connections
    /// must resume the control connection's session.
    explicit Vsftpd(Tls tls = Tls::none, const std::string& configuration = "",
                    const Certificate& certificate = Certificate());

    [[nodiscard]] std::uint16_t port() const noexcept { return server_->port(); }
    [[nodiscard]] std::filesystem::path ca_file() const { return directory_ / "server.pem"; }
    [[nodiscard]] std::string log() const { return read_file(directory_ / "vsftpd.log"); }

    /// SIGKILL to the server and to every connection's processes.
    void kill() { server_->kill(); }
    void start() { server_->start(); }
    [[nodiscard]] pid_t pid() const noexcept { return server_->pid(); }

  private:
    Scratch directory_;
    std::optional<ServerProcess> server_;
};

}  // namespace mistamover::test
