// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "scratch.hpp"
#include "servers/certificates.hpp"
#include "servers/server_process.hpp"

namespace mistamover::test {

/// What the FTP servers have in common: each listens on a port of 127.0.0.1 from the start, lets its user
/// write, and calls paths what this machine calls them.
class FtpServer {
  public:
    enum class Tls { none, on_request, from_start };

    explicit FtpServer(Tls tls = Tls::none) : tls_(tls) {}
    virtual ~FtpServer() = default;
    FtpServer(const FtpServer&) = delete;
    FtpServer& operator=(const FtpServer&) = delete;

    [[nodiscard]] Tls tls() const noexcept { return tls_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return server_->port(); }
    [[nodiscard]] virtual std::string username() const { return "mover"; }
    /// Whatever the user, it is this.
    [[nodiscard]] static std::string password() { return "secret"; }
    /// The server's own certificate, which vouches for itself.
    [[nodiscard]] std::filesystem::path ca_file() const { return directory_ / "server.pem"; }
    /// What was said on control connections, as far as the server tells.
    [[nodiscard]] std::string log() const { return read_file(directory_ / "commands.log"); }
    /// How often it got a command, such as "STOR"; 0 from one that tells nothing (Pure-FTPd).
    [[nodiscard]] std::size_t times_told(const std::string& command) const {
        return count_of('"' + command, log());
    }
    /// Lets the server write in a directory of the test, and reach it.
    virtual void serve(const std::filesystem::path& /*directory*/) const {}

    /// SIGKILL to the server and to every connection's processes.
    void kill() { server_->kill(); }
    void start() { server_->start(); }
    [[nodiscard]] pid_t pid() const noexcept { return server_->pid(); }

  private:
    Tls tls_;

  protected:
    Scratch directory_;
    std::optional<ServerProcess> server_;
};

/// Data connections get ports from behind the server's own, below those that clients get, among which a
/// finished transfer would hold one for a minute.
inline constexpr int passive_ports = 100;

/// `password()` as crypt(3) keeps it.
inline constexpr char hashed_password[] = "$5$mistamover$cOTKy1eruRYKg4tXOgT3xuXPzye5NRUU7pz3j2szIsB";

}  // namespace mistamover::test
