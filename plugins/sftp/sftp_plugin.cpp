// SPDX-License-Identifier: BSD-3-Clause
#include <dlfcn.h>
#include <filesystem>
#include <memory>

#include <mistamover/plugin.hpp>

#include "sftp/sftp_options.hpp"
#include "sftp/sftp_session.hpp"
#include "sftp/ssh_channel.hpp"

namespace mistamover::sftp {
namespace {

/// The askpass program lies one directory above the library.
std::string askpass_program() {
    Dl_info found{};
    if (::dladdr(&option_specs, &found) == 0 || found.dli_fname == nullptr) {
        return "";
    }
    const std::filesystem::path library = std::filesystem::absolute(found.dli_fname);
    return library.parent_path().parent_path() / "mistamover-sftp-askpass";
}

}  // namespace

class SftpModule final : public TransferModule {
  public:
    explicit SftpModule(const ModuleSettings& settings)
        : options_(settings),
          connections_(settings.parallel_sessions, [this](border::SessionContext& context) {
              return std::make_unique<SshChannel>(options_, context);
          }) {
        options_.askpass = askpass_program();
    }

    std::unique_ptr<Session> open_session(SessionContext& context) override {
        return std::make_unique<SftpSession>(connections_, options_, leftovers_, context);
    }

  private:
    SftpOptions options_;
    Connections connections_;
    Leftovers leftovers_;
};

}  // namespace mistamover::sftp

MISTAMOVER_PLUGIN(mistamover::sftp::SftpModule, "sftp", "0.1.0",
                  "Carries files to an SFTP server, with the ssh program of this machine as its transport",
                  mistamover::sftp::option_specs, mistamover::sftp::sftp_capabilities)
