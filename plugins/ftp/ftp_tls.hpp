// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <Poco/Net/Context.h>
#include <string>

#include "ftp/ftp_options.hpp"

namespace mistamover::ftp {

/// How TLS is spoken to the server: certificates, and what is required of the server's. Made once a module;
/// used by several threads.
class TlsClient {
  public:
    /// Throws StatusError (`configuration`, stream scope) where a certificate or key cannot be used. Without
    /// TLS there is no context.
    explicit TlsClient(const FtpOptions& options);

    [[nodiscard]] const Poco::Net::Context::Ptr& context() const noexcept { return context_; }
    [[nodiscard]] const std::string& host() const noexcept { return host_; }

  private:
    std::string host_;
    Poco::Net::Context::Ptr context_;
};

/// Why the server's certificate was refused in a handshake on this thread; empty where none was. Forgets it.
std::string take_verification_failure();

}  // namespace mistamover::ftp
