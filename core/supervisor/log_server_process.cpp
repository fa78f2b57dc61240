// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/log_server_process.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "config/settings.hpp"
#include "logging/server.hpp"
#include "process/spawn.hpp"

namespace mistamover::supervisor {
namespace {

// Starts the controller as a process on its own: neither its signals nor its descriptors come from here.
pid_t start_controller(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "mistamover");
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
            ::signal(signal, SIG_DFL);
        }
        ::setsid();
        ::close_range(3, ~0U, 0);
        ::execv("/proc/self/exe", pointers.data());
        ::_exit(127);
    }
    return pid;
}

// Starts the controller until one has written the pid file, and so has a log server of its own that watches
// over it, or has ended by itself, since it then had a reason.
void bring_controller_back(const std::vector<std::string>& arguments, const std::filesystem::path& pid_file) {
    constexpr auto look_interval = std::chrono::milliseconds{20};
    std::chrono::milliseconds delay{100};
    while (true) {
        const pid_t pid = start_controller(arguments);
        int status = 0;
        while (::waitpid(pid, &status, WNOHANG) == 0) {
            pid_t written = 0;
            std::ifstream(pid_file) >> written;
            if (written == pid) {
                return;
            }
            std::this_thread::sleep_for(look_interval);
        }
        if (WIFEXITED(status)) {
            return;
        }
        std::this_thread::sleep_for(delay);
        delay = std::min(delay * 2, std::chrono::milliseconds{60'000});
    }
}

void wait_for_end_of_controller() {
    pollfd controller{process::channel_fd, POLLRDHUP, 0};
    while (::poll(&controller, 1, -1) < 0 && errno == EINTR) {
    }
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
    process::set_process_name("mm:log");
    const config::LoggingSettings settings = first_settings();
    std::thread reviver;
    if (arguments.size() > 1) {
        // All signals are left to the log server's own thread.
        sigset_t all;
        sigfillset(&all);
        sigset_t before;
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        reviver = std::thread([arguments] {
            wait_for_end_of_controller();
            if (std::filesystem::exists(arguments.front())) {
                bring_controller_back({arguments.begin() + 1, arguments.end()}, arguments.front());
            }
        });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    const int code = logging::run_log_server({process::log_fd, process::channel_fd}, settings);
    if (reviver.joinable()) {
        reviver.join();
    }
    return code;
}

}  // namespace mistamover::supervisor
