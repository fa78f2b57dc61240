// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <charconv>

#include <mistamover/plugin.hpp>

#include "drop_session.hpp"

namespace drop {
namespace {

using namespace mistamover;

constexpr std::array option_specs{
    OptionSpec{.name = "file_mode",
               .type = OptionType::string,
               .default_value = "0644",
               .help = "Permission bits of the files it makes, in octal"},
};

std::filesystem::perms read_mode(const std::string& text) {
    unsigned mode = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
    if (error != std::errc{} || stop != end || mode > 0777) {
        throw StatusError(Status(StatusCode::configuration, StatusScope::stream,
                                 "drop.file_mode: " + text + " is not a mode such as 0644"));
    }
    return static_cast<std::filesystem::perms>(mode);
}

class Module final : public TransferModule {
  public:
    explicit Module(const ModuleSettings& settings)
        : settings_{std::filesystem::path(settings.target_dir), std::string(settings.temp_dir),
                    read_mode(Options(settings.options).text("file_mode"))} {
        if (!settings_.target_dir.is_absolute()) {
            throw StatusError(Status(StatusCode::configuration, StatusScope::stream,
                                     "outgoing.target_dir must be an absolute path for drop"));
        }
    }

    std::unique_ptr<mistamover::Session> open_session(SessionContext& context) override {
        return std::make_unique<drop::Session>(settings_, context);
    }

  private:
    Settings settings_;
};

}  // namespace
}  // namespace drop

MISTAMOVER_PLUGIN(drop::Module, "drop", "1.0.0", "Drops plain files into a directory on this machine",
                  drop::option_specs, mistamover::Capability::publish_rename)
