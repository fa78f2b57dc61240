// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <memory>

#include <mistamover/plugin.hpp>

/// A module that can do nothing: what the libraries of these tests have behind a descriptor.
namespace mistamover::test_plugins {

class IdleSession final : public Session {
  public:
    Capabilities capabilities() override { return {}; }
    Status put(const PutRequest&, PutSink&) override { return detail::unsupported("put"); }
    Status stat(std::span<const std::string_view>, StatSink&) override { return detail::unsupported("stat"); }
    Status get_small(std::string_view, std::uint64_t, BytesSink&) override {
        return detail::unsupported("get_small");
    }
};

class IdleModule : public TransferModule {
  public:
    explicit IdleModule(const ModuleSettings&) {}
    std::unique_ptr<Session> open_session(SessionContext&) override {
        return std::make_unique<IdleSession>();
    }
};

inline constexpr std::array idle_options{
    OptionSpec{.name = "colour",
               .type = OptionType::enumeration,
               .default_value = "red",
               .help = "Which \"colour\", in\ttwo | words",
               .choices = "red|green"},
    OptionSpec{.name = "password",
               .type = OptionType::string,
               .default_value = nullptr,
               .help = "The password",
               .required = true,
               .secret = true},
    OptionSpec{.name = "port", .type = OptionType::integer, .default_value = "21", .help = "The port"},
};

}  // namespace mistamover::test_plugins
