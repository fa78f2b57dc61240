// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "program.hpp"
#include "servers/proftpd.hpp"
#include "servers/sshd.hpp"

namespace mistamover::test {

/// What an SFTP server must be told, and known by.
struct SftpLogin {
    explicit SftpLogin(const Sshd& sshd)
        : port(sshd.port()), user(sshd.user()), key(sshd.client_key()), known_hosts(sshd.known_hosts()) {}
    explicit SftpLogin(const ProftpdSftp& server)
        : port(server.port()),
          user(server.username()),
          key(server.client_key()),
          known_hosts(server.known_hosts()) {}
    std::uint16_t port;
    std::string user;
    std::filesystem::path key;
    std::filesystem::path known_hosts;
};

/// A stream "p" of the module sftp to a directory of this machine. `outgoing` goes into that section,
/// `options` into the module's; where these do not name key, known hosts or user, the right ones are used.
/// `host`: the server's address, or a SlowProxy's.
void add_sftp_stream(Site& site, const SftpLogin& login, const std::string& outgoing = "",
                     const std::string& options = "", const std::string& host = "127.0.0.1");
template <typename Server>
void add_sftp_stream(Site& site, const Server& server, const std::string& outgoing = "",
                     const std::string& options = "", const std::string& host = "127.0.0.1") {
    add_sftp_stream(site, SftpLogin(server), outgoing, options, host);
}

/// What the stream and its module have logged.
std::string sftp_logs(const Site& site);

/// A one-off run that must fail with this code (`host_key`), deliver nothing and keep everything.
void check_sftp_refused(const Site& site, const std::string& code);

}  // namespace mistamover::test
