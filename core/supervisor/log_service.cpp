// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/log_service.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "logging/server.hpp"
#include "process/channel.hpp"
#include "process/spawn.hpp"
#include "supervisor/child.hpp"
#include "supervisor/log_server_process.hpp"

namespace mistamover::supervisor {
namespace {

using namespace std::chrono_literals;
using Clock = process::EventLoop::Clock;

constexpr auto drain_interval = 100ms;
constexpr int look_interval_ms = 5;

}  // namespace

LogService::LogService(process::EventLoop& loop, std::vector<std::string> server_arguments)
    : loop_(loop), server_arguments_(std::move(server_arguments)) {
    auto [writing, reading] = process::socket_pair();
    reading_ = std::move(reading);
    socket_.emplace(writing.release(), logging::LogSocket::WhenFull::queue);
    socket_->on_queued([this] { drain_soon(); });
    log_.emplace(*socket_, "mistamover_ctl", LogLevel::info);
}

LogService::~LogService() {
    part_from_server();
    loop_.cancel(start_timer_);
    loop_.cancel(drain_timer_);
}

void LogService::use_settings(const config::SettingsMap& global, LogLevel level) {
    settings_ = config::serialize_settings(global);
    log_.emplace(*socket_, "mistamover_ctl", level);
    if (server_ > 0) {
        send_settings();
    }
}

void LogService::send_settings() const {
    ::send(control_.get(), settings_.data(), settings_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void LogService::start_server() {
    auto [ours, theirs] = process::socket_pair();
    part_from_server();
    problem_.clear();  // it will be told again
    control_ = std::move(ours);
    loop_.watch(control_.get(), EPOLLIN, [this](std::uint32_t) { hear_server(); });
    send_settings();  // first, so that it has them even where this process dies just now
    std::vector<std::string> arguments{log_server_verb};
    arguments.insert(arguments.end(), server_arguments_.begin(), server_arguments_.end());
    server_ = process::spawn_self(arguments, theirs.get(), reading_.get());
    server_started_ = Clock::now();
}

void LogService::part_from_server() {
    loop_.unwatch(control_.get());
    control_.reset();
}

void LogService::hear_server() {
    std::array<char, 8192> buffer{};
    const ssize_t length = ::recv(control_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        loop_.unwatch(control_.get());  // it has gone, as process_ended is told, too
        return;
    }
    const std::string_view text(buffer.data(), static_cast<std::size_t>(length));
    problem_ =
        text == logging::written_again
            ? ""
            : std::string(text) +
                  "; the records are kept, and once they are too many whatever writes to the log waits";
    if (!problem_.empty() && on_problem_) {
        on_problem_(problem_);
    }
}

void LogService::start_server_soon() {
    const auto lived = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - server_started_);
    start_timer_ = loop_.call_after(restart_.next_pause(lived, random_jitter()), [this] {
        start_timer_ = 0;
        try {
            start_server();
        } catch (const std::exception& error) {
            log_->error(std::string("the log server cannot be started: ") + error.what());
            start_server_soon();
        }
    });
}

bool LogService::process_ended(pid_t pid, int status) {
    if (pid != server_) {
        return false;
    }
    server_ = -1;
    log_->error("the log server ended with " + how_it_ended(status) + "; it is started again");
    start_server_soon();
    return true;
}

bool LogService::may_hold_up_writers() const {
    pollfd writable{socket(), POLLOUT, 0};
    return ::poll(&writable, 1, 0) == 0;
}

void LogService::reopen_files() const {
    if (server_ > 0) {
        ::kill(server_, SIGHUP);
    }
}

void LogService::drain_soon() {
    if (drain_timer_ == 0) {
        drain_timer_ = loop_.call_after(drain_interval, [this] {
            drain_timer_ = 0;
            if (!socket_->flush()) {
                drain_soon();
            }
        });
    }
}

void LogService::finish(std::chrono::milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    loop_.cancel(start_timer_);
    if (server_ < 0) {
        try {
            start_server();
        } catch (const std::exception& error) {
            log_->error(std::string("the log server cannot be started: ") + error.what());
        }
    }
    while (!socket_->flush() && Clock::now() < deadline) {
        pollfd writable{socket_->fd(), POLLOUT, 0};
        ::poll(&writable, 1, look_interval_ms);
    }
    log_.reset();
    socket_.reset();
    reading_.reset();
    part_from_server();
    while (server_ > 0 && ::waitpid(server_, nullptr, WNOHANG) == 0 && Clock::now() < deadline) {
        ::poll(nullptr, 0, look_interval_ms);
    }
}

}  // namespace mistamover::supervisor
