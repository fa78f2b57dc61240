// SPDX-License-Identifier: BSD-3-Clause
#include "logging/server_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <linux/sockios.h>
#include <poll.h>
#include <span>
#include <string>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <mistamover/units.hpp>

#include "logging/log_message.hpp"
#include "process/open_files.hpp"

namespace mistamover::logging {
namespace {

/// So many messages are taken before signals and the controller are looked at again.
constexpr int messages_a_step = 256;

process::UniqueFd prepare_signals() {
    // SIGXFSZ is ignored so that a limit on the size of files is an error like a full disk.
    for (const int ignored : {SIGTERM, SIGINT, SIGPIPE, SIGXFSZ}) {
        ::signal(ignored, SIG_IGN);
    }
    sigset_t hangup;
    ::sigemptyset(&hangup);
    ::sigaddset(&hangup, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &hangup, nullptr);
    process::UniqueFd fd(::signalfd(-1, &hangup, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd.valid()) {
        throw std::system_error(errno, std::generic_category(), "signalfd");
    }
    return fd;
}

std::string describe(const LogWriter::Progress& failure) {
    return failure.file.string() + " could not be written (" +
           std::generic_category().message(failure.error) + ')';
}

}  // namespace

ServerLoop::ServerLoop(const ServerOptions& options, const config::LoggingSettings& settings,
                       SettingsReader read_settings, Delays delays)
    : options_(options),
      writer_(settings),
      read_settings_(std::move(read_settings)),
      delays_(delays),
      buffer_(max_message) {}

int ServerLoop::run() {
    signals_ = prepare_signals();
    process::allow_many_files();
    while (true) {
        const Outcome outcome = step();
        writer_.write_notes();
        if (outcome != Outcome::go_on) {
            return outcome == Outcome::ended ? 0 : 1;
        }
    }
}

ServerLoop::Outcome ServerLoop::step() {
    // The log socket stays readable while its first record cannot be written, so it is not polled meanwhile.
    std::array<pollfd, 3> polled{{{waiting_ ? -1 : options_.log_fd, POLLIN, 0},
                                  {options_.control_fd, POLLIN, 0},
                                  {signals_.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), wait_time()) < 0 && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "poll");
    }
    if (polled[2].revents != 0) {
        take_signals();
    }
    if (polled[1].revents != 0) {
        take_control_message();
    }
    if (waiting_ ? Clock::now() < next_try_ : polled[0].revents == 0) {
        return Outcome::go_on;
    }
    return take_messages();
}

int ServerLoop::wait_time() const {
    if (!waiting_) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_try_ - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

ServerLoop::Outcome ServerLoop::take_messages() {
    for (int count = 0; count < messages_a_step; ++count) {
        const ssize_t received =
            ::recv(options_.log_fd, buffer_.data(), buffer_.size(), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
        if (received < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                throw std::system_error(errno, std::generic_category(), "recv from the log socket");
            }
            return Outcome::go_on;
        }
        if (received == 0 && writers_have_gone()) {
            return Outcome::ended;
        }
        const auto size = static_cast<std::size_t>(received);
        if (size > buffer_.size()) {
            writer_.note(LogLevel::error, "a message of " + std::to_string(size) +
                                              " bytes is too large for a log message: dropped");
        } else if (!write_message({buffer_.data(), size})) {
            return should_give_up() ? Outcome::gave_up : Outcome::go_on;
        }
        consume();
    }
    return Outcome::go_on;
}

/// An empty message reads like the end of the file, so the end counts only when nothing else is in the
/// socket.
bool ServerLoop::writers_have_gone() const {
    pollfd polled{options_.log_fd, 0, 0};
    int left = 0;
    return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0 &&
           (::ioctl(options_.log_fd, SIOCINQ, &left) != 0 || left == 0);
}

/// Only now may the message be forgotten; a death before this has it written once more.
void ServerLoop::consume() const {
    char rest = 0;
    while (::recv(options_.log_fd, &rest, sizeof rest, MSG_DONTWAIT) < 0 && errno == EINTR) {
    }
}

bool ServerLoop::write_message(std::string_view message) {
    const Decoded decoded = decode_message(message);
    const LogWriter::Progress progress = writer_.write(std::span(decoded.records).subspan(records_written_));
    records_written_ += progress.written;
    if (progress.error != 0) {
        start_waiting(progress);
        return false;
    }
    stop_waiting();
    records_written_ = 0;
    if (decoded.malformed) {
        writer_.note(LogLevel::error, "a log message of " + std::to_string(message.size()) +
                                          " bytes is malformed: what follows its first " +
                                          std::to_string(decoded.records.size()) + " records was dropped");
    }
    return true;
}

void ServerLoop::start_waiting(const LogWriter::Progress& progress) {
    const Clock::time_point now = Clock::now();
    if (!waiting_) {
        waiting_ = true;
        waiting_since_ = now;
        last_with_writers_ = now;
        failure_ = progress;
    }
    next_try_ = now + delays_.retry;
    tell_controller(describe(progress));
}

void ServerLoop::stop_waiting() {
    if (waiting_) {
        waiting_ = false;
        const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - waiting_since_);
        writer_.note(LogLevel::warning,
                     describe(failure_) + " for " + format_duration(waited) +
                         ". Everything that writes to the log had to wait; no record was lost");
    }
    tell_controller(written_again);
}

/// What the socket does not take now is told with the next try, or the next record.
void ServerLoop::tell_controller(std::string_view text) {
    if (options_.control_fd >= 0 && text != told_ &&
        ::send(options_.control_fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
        told_ = text;
    }
}

bool ServerLoop::should_give_up() {
    pollfd polled{options_.log_fd, 0, 0};
    const bool gone = ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
    if (!gone) {
        last_with_writers_ = Clock::now();
    } else if (Clock::now() - last_with_writers_ >= delays_.give_up) {
        std::fprintf(stderr, "mistamover: log server: %s; the last log records are lost\n",
                     describe(failure_).c_str());
        return true;
    }
    return false;
}

void ServerLoop::take_control_message() {
    const ssize_t size = ::recv(options_.control_fd, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        options_.control_fd = -1;
        return;
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    if (::recv(options_.control_fd, text.data(), text.size(), MSG_DONTWAIT) != size) {
        return;
    }
    try {
        writer_.change_settings(read_settings_(text));
        next_try_ = Clock::now();
    } catch (const std::exception& error) {
        writer_.note(
            LogLevel::error,
            std::string("the log server keeps its settings, the new ones cannot be used: ") + error.what());
    }
}

void ServerLoop::take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        writer_.reopen();
        next_try_ = Clock::now();
    }
}

}  // namespace mistamover::logging
