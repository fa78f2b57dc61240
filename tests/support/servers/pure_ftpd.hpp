// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "servers/ftp_server.hpp"

namespace mistamover::test {

/// A real Pure-FTPd that lets "mover" in by password. It writes as the test's own user, or, since it refuses
/// root, as another one where root runs the test.
class PureFtpd : public FtpServer {
  public:
    /// Implicit TLS is not known to it. `arguments`: further ones.
    explicit PureFtpd(Tls tls = Tls::none, const std::vector<std::string>& arguments = {},
                      const Certificate& certificate = Certificate());

    void serve(const std::filesystem::path& directory) const override;
};

}  // namespace mistamover::test
