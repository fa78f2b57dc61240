// SPDX-License-Identifier: BSD-3-Clause
#include "test_module.hpp"

namespace {

using namespace mistamover;

/// Fails in the way that the stream name of its settings asks for.
class FailingModule final : public TransferModule {
  public:
    explicit FailingModule(const ModuleSettings& settings) {
        if (settings.stream == "status") {
            throw StatusError(Status(StatusCode::configuration, StatusScope::stream, "no such combination"));
        }
        if (settings.stream == "exception") {
            throw std::runtime_error("thrown by the module");
        }
    }
    std::unique_ptr<Session> open_session(SessionContext&) override { return nullptr; }
};

}  // namespace

MISTAMOVER_PLUGIN(FailingModule, "failing_module", "1", "Fails", test_plugins::idle_options, Capabilities{})
