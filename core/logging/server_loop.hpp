// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "logging/log_writer.hpp"
#include "logging/server.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::logging {

/// run_log_server, but for how settings are written down.
class ServerLoop {
  public:
    /// Makes logging settings of a control message; throws std::exception on one that cannot be used.
    using SettingsReader = std::function<config::LoggingSettings(std::string_view)>;

    struct Delays {
        std::chrono::milliseconds retry{1000};
        /// How long a record that cannot be written is kept when no writer is left.
        std::chrono::milliseconds give_up{30'000};
    };

    ServerLoop(const ServerOptions& options, const config::LoggingSettings& settings,
               SettingsReader read_settings, Delays delays);
    int run();

  private:
    using Clock = std::chrono::steady_clock;
    enum class Outcome : std::uint8_t { go_on, ended, gave_up };

    Outcome step();
    Outcome take_messages();
    bool write_message(std::string_view message);
    void start_waiting(const LogWriter::Progress& progress);
    void stop_waiting();
    void tell_controller(std::string_view text);
    [[nodiscard]] bool should_give_up();
    [[nodiscard]] bool writers_have_gone() const;
    void consume() const;
    void take_control_message();
    void take_signals();
    [[nodiscard]] int wait_time() const;

    ServerOptions options_;
    LogWriter writer_;
    SettingsReader read_settings_;
    Delays delays_;
    process::UniqueFd signals_;
    std::vector<char> buffer_;

    /// Of the message at the head of the socket: so many records are in their files.
    std::size_t records_written_ = 0;
    bool waiting_ = false;  ///< The next of them cannot be written.
    Clock::time_point waiting_since_;
    Clock::time_point next_try_;
    Clock::time_point last_with_writers_;  ///< Of those in which something waited.
    LogWriter::Progress failure_;
    std::string told_{written_again};  ///< What the controller knows.
};

}  // namespace mistamover::logging
