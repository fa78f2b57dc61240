// SPDX-License-Identifier: BSD-3-Clause
// Uses what crosses the border in every direction: settings and options in, answers through a sink, a status
// back.
#include <array>
#include <memory>
#include <string>

#include <mistamover/plugin.hpp>

namespace {

using namespace mistamover;

constexpr std::array frozen_options{
    OptionSpec{.name = "pace", .type = OptionType::duration, .default_value = "3s", .help = "How fast"}};

class FrozenSession final : public Session {
  public:
    FrozenSession(std::string stream, SessionContext& context)
        : stream_(std::move(stream)), context_(context) {}
    Capabilities capabilities() override { return Capability::rename | Capability::free_space; }
    Status put(const PutRequest& request, PutSink& sink) override {
        for (std::size_t index = 0; index < request.items.size(); ++index) {
            const PutItem& item = request.items[index];
            context_.progress(item.size);
            sink.done(index, Status(StatusCode::corrupt, StatusScope::item, item.path, 7),
                      {.bytes_sent = item.size});
        }
        return {};
    }
    Status stat(std::span<const std::string_view> /*paths*/, StatSink& /*sink*/) override { return {}; }
    Status get_small(std::string_view /*path*/, std::uint64_t /*limit*/, BytesSink& sink) override {
        sink.bytes(stream_);
        return {};
    }
    Status free_space(std::uint64_t& bytes) override {
        bytes = 42;
        return {};
    }

  private:
    std::string stream_;
    SessionContext& context_;
};

class FrozenModule final : public TransferModule {
  public:
    explicit FrozenModule(const ModuleSettings& settings)
        : text_(std::string(settings.stream) + " every " +
                std::to_string(Options(settings.options).duration("pace").count())) {}
    std::unique_ptr<Session> open_session(SessionContext& context) override {
        return std::make_unique<FrozenSession>(text_, context);
    }

  private:
    std::string text_;
};

}  // namespace

MISTAMOVER_PLUGIN(FrozenModule, "frozen", "1", "Was built with SDK 1.0", frozen_options,
                  Capability::rename | Capability::free_space)
