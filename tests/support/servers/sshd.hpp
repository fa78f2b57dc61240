// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "scratch.hpp"
#include "servers/server_process.hpp"

namespace mistamover::test {

/// A real sshd on 127.0.0.1 that lets the present user in with `client_key()`, whose host key is in
/// `known_hosts()`, and that serves commands and SFTP. It listens from the start.
class Sshd {
  public:
    /// `configuration`: lines that go before its own, and so have precedence.
    explicit Sshd(const std::string& configuration = "");

    [[nodiscard]] std::uint16_t port() const noexcept { return server_->port(); }
    [[nodiscard]] const std::string& user() const noexcept { return user_; }
    [[nodiscard]] std::filesystem::path client_key() const { return directory_ / "client_key"; }
    [[nodiscard]] std::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }
    /// A key that the server does not know.
    [[nodiscard]] std::filesystem::path stranger_key() const { return directory_ / "stranger_key"; }
    [[nodiscard]] std::string log() const { return read_file(directory_ / "log"); }

    /// SIGKILL to the server and to every connection's processes.
    void kill() { server_->kill(); }
    void start() { server_->start(); }
    [[nodiscard]] pid_t pid() const noexcept { return server_->pid(); }
    /// Starts again with another host key; `known_hosts()` keeps the old one.
    void change_host_key();

  private:
    void make_key(const std::string& name) const;

    Scratch directory_;
    std::string user_;
    std::optional<ServerProcess> server_;
};

}  // namespace mistamover::test
