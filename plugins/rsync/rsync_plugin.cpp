// SPDX-License-Identifier: BSD-3-Clause
#include <memory>

#include <mistamover/plugin.hpp>

#include "rsync/rsync_options.hpp"
#include "rsync/rsync_session.hpp"

namespace mistamover::rsync {

class RsyncModule final : public TransferModule {
  public:
    explicit RsyncModule(const ModuleSettings& settings) : shared_(settings) {}

    std::unique_ptr<Session> open_session(SessionContext& context) override {
        return std::make_unique<RsyncSession>(shared_, context);
    }

  private:
    Shared shared_;
};

}  // namespace mistamover::rsync

MISTAMOVER_PLUGIN(mistamover::rsync::RsyncModule, "rsync", "0.1.0",
                  "Moves and mirrors files by rsync, over ssh, to an rsync daemon or on this machine",
                  mistamover::rsync::option_specs, mistamover::rsync::rsync_capabilities)
