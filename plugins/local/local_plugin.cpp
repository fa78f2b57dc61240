// SPDX-License-Identifier: BSD-3-Clause
#include <memory>

#include <mistamover/plugin.hpp>

#include "local/case_probe.hpp"
#include "local/local_options.hpp"
#include "local/local_session.hpp"

namespace mistamover::local {

class LocalModule final : public TransferModule {
  public:
    explicit LocalModule(const ModuleSettings& settings) : options_(settings) {}

    std::unique_ptr<Session> open_session(SessionContext& context) override {
        const bool tells_apart = probe_.tells_apart(options_);
        return std::make_unique<LocalSession>(options_, context,
                                              tells_apart ? Capability::tells_case_apart : Capabilities());
    }

  private:
    LocalOptions options_;
    CaseProbe probe_;
};

}  // namespace mistamover::local

MISTAMOVER_PLUGIN(mistamover::local::LocalModule, "local", "0.1.0",
                  "Moves files to a directory on this machine, by renaming them where that is possible",
                  mistamover::local::option_specs,
                  mistamover::local::local_capabilities | mistamover::Capability::tells_case_apart)
