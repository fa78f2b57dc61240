// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "servers/ftp_server.hpp"

namespace mistamover::test {

/// A real ProFTPD that lets "mover" in by password and write as the test's own user. It has MLSD, MFMT, HASH
/// and the like.
class Proftpd : public FtpServer {
  public:
    /// `configuration`: further lines of its file. With TLS, `certificate` is shown, and data connections
    /// must resume the control connection's session.
    explicit Proftpd(Tls tls = Tls::none, const std::string& configuration = "",
                     const Certificate& certificate = Certificate());
};

/// The same program as a server of SFTP (mod_sftp), that lets "mover" in by `client_key()` or password, and
/// whose host key is in `known_hosts()`. It serves no commands.
class ProftpdSftp : public FtpServer {
  public:
    explicit ProftpdSftp(const std::string& configuration = "");

    [[nodiscard]] std::filesystem::path client_key() const { return directory_ / "client_key"; }
    [[nodiscard]] std::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }
};

/// A limit to what "mover" may store in either of these.
class ProftpdQuota {
  public:
    explicit ProftpdQuota(std::uint64_t bytes);

    /// Further lines for the server's file.
    [[nodiscard]] std::string configuration() const;
    /// From the next login on.
    void change(std::uint64_t bytes) const;

  private:
    [[nodiscard]] std::string table(const std::string& type) const { return (directory_ / type).string(); }

    Scratch directory_;
};

}  // namespace mistamover::test
