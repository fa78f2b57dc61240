// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/log_server_process.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "config/settings.hpp"
#include "logging/log_writer.hpp"
#include "logging/server.hpp"
#include "process/spawn.hpp"
#include "supervisor/reviver.hpp"

namespace mistamover::supervisor {
namespace {

constexpr int forever = -1;

bool controller_has_gone(int patience_ms) {
    pollfd controller{process::channel_fd, POLLRDHUP, 0};
    int count = 0;
    while ((count = ::poll(&controller, 1, patience_ms)) < 0 && errno == EINTR) {
    }
    return count != 0;
}

pid_t controller_pid() {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(process::channel_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

// Besides the log server's own writer, as at any time when the log servers of two controllers overlap.
void log_error(const config::LoggingSettings& settings, const std::string& text) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const logging::Record record{logging::controller_log, LogLevel::error,
                                 std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), text};
    logging::LogWriter(settings).write({&record, 1});
}

config::LoggingSettings first_settings() {
    std::string buffer(1U << 20U, '\0');
    const ssize_t length = ::recv(process::channel_fd, buffer.data(), buffer.size(), 0);
    if (length <= 0) {
        return {};
    }
    const std::string_view text(buffer.data(), static_cast<std::size_t>(length));
    return config::global_settings(config::parse_settings(text)).logging;
}

}  // namespace

int run_log_server_process(const std::vector<std::string>& arguments) {
    (void)!::chdir("/");  // where it was started, it would keep that directory in use
    process::set_process_name("mm:log");
    const config::LoggingSettings settings = first_settings();
    std::thread reviver;
    if (arguments.size() > 1) {
        // A daemon keeps its run_dir for as long as it is wanted, whatever the configuration says meanwhile.
        ::setenv("MISTAMOVER__global__run_dir", arguments.front().c_str(), 1);
        // All signals are left to the log server's own thread.
        sigset_t all;
        sigfillset(&all);
        sigset_t before;
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        reviver = std::thread([arguments, settings] {
            const auto begin = std::chrono::steady_clock::now();
            controller_has_gone(forever);
            const auto lived = std::chrono::steady_clock::now() - begin;
            Reviver(arguments.front(), {arguments.begin() + 1, arguments.end()},
                    [&](const std::string& text) { log_error(settings, text); })
                .revive(controller_pid(), std::chrono::duration_cast<std::chrono::milliseconds>(lived));
        });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    int code = 1;
    try {
        code = logging::run_log_server({process::log_fd, process::channel_fd}, settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mistamover: log server: %s\n", error.what());
        if (!controller_has_gone(0)) {
            ::_exit(code);  // the controller starts another log server
        }
    }
    if (reviver.joinable()) {
        reviver.join();
    }
    return code;
}

}  // namespace mistamover::supervisor
