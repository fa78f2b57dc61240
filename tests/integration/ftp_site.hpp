// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <set>
#include <string>

#include "program.hpp"
#include "servers/ftp_server.hpp"

namespace mistamover::test {

struct FtpStream {
    std::string outgoing{};  ///< More for that section.
    std::string options{};   ///< More for the module's own; where it names login or authority, those count.
    std::string host = "127.0.0.1";
};

/// A stream "p" of the module ftp to a directory of this machine, which the server is made to serve.
void add_ftp_stream(Site& site, const FtpServer& server, const FtpStream& stream = {});

/// What the stream and its module have logged.
std::string ftp_logs(const Site& site);

/// A one-off run that must deliver everything.
void check_delivers_all(const Site& site);

/// A one-off run that must say `reason` (`authentication`), deliver nothing and keep everything.
void check_kept_by_ftp(const Site& site, const std::string& reason);

/// Names of every kind that FTP can carry: no line breaks.
const std::set<std::string>& ftp_nasty_names();

}  // namespace mistamover::test
