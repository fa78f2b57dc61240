// SPDX-License-Identifier: BSD-3-Clause
#include "logging/server.hpp"

#include "logging/server_loop.hpp"

namespace mistamover::logging {

int run_log_server(const ServerOptions& options, const config::LoggingSettings& settings) {
    const auto read_settings = [](std::string_view text) {
        return config::global_settings(config::parse_settings(text)).logging;
    };
    return ServerLoop(options, settings, read_settings, {}).run();
}

}  // namespace mistamover::logging
