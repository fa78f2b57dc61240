// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include <mistamover/border.hpp>

namespace mistamover::logging {

/// One process's way to the log server: a SOCK_SEQPACKET socket that all processes write and the log server
/// alone reads. Because the controller holds both ends open, a record that was written survives the death of
/// the writer and of the log server.
class LogSocket {
  public:
    enum class WhenFull : std::uint8_t {
        wait,   ///< Block until the log server has read: for every process but the controller.
        queue,  ///< Keep records in memory and send them with later ones: for the controller, which must go
                ///< on to restart the log server.
    };

    /// Takes over the descriptor and makes it close-on-exec, since the log server lives until the last one is
    /// closed. Of a descriptor -1 records go nowhere.
    LogSocket(int fd, WhenFull when_full);
    ~LogSocket();
    LogSocket(const LogSocket&) = delete;
    LogSocket& operator=(const LogSocket&) = delete;

    /// Sends one record; never throws and never fails: what cannot be sent now waits, or is queued. Of the
    /// queue, which holds 16 MB, the oldest DEBUG and INFO records go first, then the oldest others, and the
    /// log tells how many. Once nobody is left to read the socket, records go nowhere. Text beyond 32 KiB is
    /// cut, with a mark. Safe from any thread.
    void send(std::string_view log_name, LogLevel level, std::string_view text) noexcept;
    /// Several records of the same log and level in as few messages as they fit into.
    void send_many(std::string_view log_name, LogLevel level, std::span<const std::string> texts) noexcept;
    /// Sends what is queued, without blocking; false where something is left. For the controller's event
    /// loop.
    bool flush() noexcept;

    /// `handler` is called, on the sender's thread, after a send that left something in the queue. To be set
    /// before the first send.
    void on_queued(std::function<void()> handler) { on_queued_ = std::move(handler); }

    [[nodiscard]] int fd() const noexcept { return fd_; }

  private:
    struct Queue;
    void flush_or_tell();

    int fd_;
    WhenFull when_full_;
    std::mutex mutex_;
    std::unique_ptr<Queue> queue_;
    std::function<void()> on_queued_;
};

/// Writes to one log file, "dtc_proj1" for dtc_proj1.log, what is at or above a level. Cheap to copy; the
/// socket must outlive it.
class Logger {
  public:
    Logger(LogSocket& socket, std::string log_name, LogLevel threshold)
        : socket_(&socket), log_name_(std::move(log_name)), threshold_(threshold) {}

    void log(LogLevel level, std::string_view text) const noexcept {
        if (level >= threshold_) {
            socket_->send(log_name_, level, text);
        }
    }
    void log_many(LogLevel level, std::span<const std::string> texts) const noexcept {
        if (level >= threshold_) {
            socket_->send_many(log_name_, level, texts);
        }
    }
    void debug(std::string_view text) const noexcept { log(LogLevel::debug, text); }
    void info(std::string_view text) const noexcept { log(LogLevel::info, text); }
    void warning(std::string_view text) const noexcept { log(LogLevel::warning, text); }
    void error(std::string_view text) const noexcept { log(LogLevel::error, text); }
    void critical(std::string_view text) const noexcept { log(LogLevel::critical, text); }
    [[nodiscard]] bool logs(LogLevel level) const noexcept { return level >= threshold_; }

  private:
    LogSocket* socket_;
    std::string log_name_;
    LogLevel threshold_;
};

}  // namespace mistamover::logging
