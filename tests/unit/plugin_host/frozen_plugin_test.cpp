// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>

#include "test_plugin.hpp"

namespace mistamover::plugin_host {
namespace {

class Context final : public border::SessionContext {
  public:
    void log(LogLevel /*level*/, std::string_view /*text*/) noexcept override {}
    [[nodiscard]] bool cancelled() const noexcept override { return false; }
    [[nodiscard]] int cancel_fd() const noexcept override { return -1; }
    [[nodiscard]] std::int64_t stall_timeout_ms() const noexcept override { return 1000; }
    void acquire(std::uint64_t /*bytes*/) noexcept override {}
    void progress(std::uint64_t bytes) noexcept override { progressed += bytes; }
    std::uint64_t progressed = 0;
};

class LastPut final : public PutSink {
  public:
    void done(std::size_t index, const Status& status, const PutReport& report) noexcept override {
        last_index = index;
        last_status = status;
        last_report = report;
    }
    std::size_t last_index = 0;
    Status last_status;
    PutReport last_report;
};

class Bytes final : public BytesSink {
  public:
    void bytes(std::string_view data) noexcept override { text += data; }
    std::string text;
};

}  // namespace

TEST_CASE("a plugin built with SDK 1.0 works in today's core") {
    const Plugin plugin(test_plugin("frozen"));
    CHECK(plugin.descriptor().sdk_major == 1);
    CHECK(plugin.descriptor().sdk_minor == 0);

    const std::string_view pace = "2s";
    const OptionValue option{"pace", {&pace, 1}};
    ModuleSettings settings;
    settings.stream = "proj1";
    settings.options = {&option, 1};
    Status status;
    const Plugin::ModulePointer module = plugin.create_module(settings, status);
    REQUIRE(module != nullptr);
    Context context;
    border::Session* opened = nullptr;
    REQUIRE(module->call_open_session(context, opened).ok());
    const Plugin::SessionPointer session(opened);
    CHECK(session->call_capabilities().bits() == (Capability::rename | Capability::free_space).bits());

    Bytes answer;
    CHECK(session->call_get_small("any", 100, answer).ok());
    CHECK(answer.text == "proj1 every 2000");

    std::array<PutItem, 2> items{};
    items[0].path = "first";
    items[1].path = "second";
    items[1].size = 17;
    PutRequest request;
    request.items = items;
    LastPut sink;
    CHECK(session->call_put(request, sink).ok());
    CHECK(sink.last_index == 1);
    CHECK(sink.last_status.code() == StatusCode::corrupt);
    CHECK(sink.last_status.text() == "second");
    CHECK(sink.last_status.protocol_code() == 7);
    CHECK(sink.last_report.bytes_sent == 17);
    CHECK(context.progressed == 17);

    std::uint64_t free_bytes = 0;
    CHECK(session->call_free_space(free_bytes).ok());
    CHECK(free_bytes == 42);
    CHECK(session->call_rename("a", "b").code() == StatusCode::unsupported);
}

}  // namespace mistamover::plugin_host
