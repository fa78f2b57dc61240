// SPDX-License-Identifier: BSD-3-Clause
#include <memory>

#include <mistamover/plugin.hpp>

#include "ftp/ftp_options.hpp"
#include "ftp/ftp_session.hpp"
#include "ftp/ftp_tls.hpp"

namespace mistamover::ftp {

class FtpModule final : public TransferModule {
  public:
    explicit FtpModule(const ModuleSettings& settings) : options_(settings), tls_(options_) {}

    std::unique_ptr<Session> open_session(SessionContext& context) override {
        return std::make_unique<FtpSession>(options_, tls_, shared_, context);
    }

  private:
    FtpOptions options_;
    TlsClient tls_;
    ModuleState shared_;
};

}  // namespace mistamover::ftp

MISTAMOVER_PLUGIN(mistamover::ftp::FtpModule, "ftp", "0.1.0",
                  "Moves and mirrors to an FTP server, in the clear or over TLS",
                  mistamover::ftp::option_specs, mistamover::ftp::ftp_capabilities)
