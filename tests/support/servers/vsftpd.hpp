// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "servers/ftp_server.hpp"

namespace mistamover::test {

/// A real vsftpd that lets everybody write as the test's own user. It has neither MLSD nor MFMT.
class Vsftpd : public FtpServer {
  public:
    /// `configuration`: further lines of its file. With TLS, `certificate` is shown, and data connections
    /// must resume the control connection's session.
    explicit Vsftpd(Tls tls = Tls::none, const std::string& configuration = "",
                    const Certificate& certificate = Certificate());

    [[nodiscard]] std::string username() const override { return "anonymous"; }
};

}  // namespace mistamover::test
