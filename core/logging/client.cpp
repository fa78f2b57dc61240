// SPDX-License-Identifier: BSD-3-Clause
#include "logging/client.hpp"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "logging/log_message.hpp"

namespace mistamover::logging {
namespace {

constexpr std::size_t max_queued = std::size_t{16} * 1024 * 1024;

std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Returns false where the socket takes nothing now. A message that nobody will ever read counts as sent.
bool try_send(int fd, const std::string& message) {
    while (true) {
        if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
            return true;
        }
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
            return false;
        }
        if (errno != EINTR) {
            return true;
        }
    }
}

void send_waiting(int fd, const std::string& message) {
    constexpr int memory_retry_ms = 10;
    while (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) < 0) {
        if (errno == EAGAIN) {  // Somebody has made the shared socket non-blocking.
            pollfd writable{fd, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (errno == ENOBUFS || errno == ENOMEM) {
            ::poll(nullptr, 0, memory_retry_ms);
        } else if (errno != EINTR) {
            return;
        }
    }
}

template <typename Texts>
void send_all_waiting(int fd, std::string_view log_name, LogLevel level, const Texts& texts) {
    const std::int64_t time_ms = now_ms();
    std::string message;
    for (const auto& text : texts) {
        if (!message.empty() && message.size() + record_size_limit(log_name, text) > max_message) {
            send_waiting(fd, message);
            message.clear();
        }
        append_record(message, {log_name, level, time_ms, text});
    }
    if (!message.empty()) {
        send_waiting(fd, message);
    }
}

}  // namespace

/// Each record is a message of its own until it is packed with others.
struct LogSocket::Queue {
    struct Entry {
        std::uint64_t order;
        std::string message;
    };

    void push(const Record& record);
    bool pack();

    std::deque<Entry> minor;  ///< DEBUG and INFO, which give way to the others.
    std::deque<Entry> major;
    std::size_t bytes = 0;
    std::uint64_t next_order = 0;
    std::uint64_t dropped = 0;
    std::string packed;  ///< The message that is sent next; empty: to be packed.

  private:
    std::deque<Entry>* oldest();
    void pop(std::deque<Entry>& from);
};

void LogSocket::Queue::push(const Record& record) {
    Entry entry{next_order++, {}};
    append_record(entry.message, record);
    bytes += entry.message.size() + sizeof(Entry);
    (record.level <= LogLevel::info ? minor : major).push_back(std::move(entry));
    while (bytes > max_queued) {
        pop(minor.empty() ? major : minor);
        ++dropped;
    }
}

std::deque<LogSocket::Queue::Entry>* LogSocket::Queue::oldest() {
    if (minor.empty() || major.empty()) {
        return minor.empty() && major.empty() ? nullptr : &(minor.empty() ? major : minor);
    }
    return minor.front().order < major.front().order ? &minor : &major;
}

void LogSocket::Queue::pop(std::deque<Entry>& from) {
    bytes -= from.front().message.size() + sizeof(Entry);
    from.pop_front();
}

/// Fills `packed` where it is empty; false where there is nothing to send.
bool LogSocket::Queue::pack() {
    if (!packed.empty()) {
        return true;
    }
    if (dropped > 0) {
        const std::string text = std::to_string(dropped) +
                                 " log records were dropped: the log server did not read, and the memory "
                                 "set aside for waiting records was full";
        append_record(packed, {controller_log, LogLevel::warning, now_ms(), text});
        dropped = 0;
    }
    while (auto* const from = oldest()) {
        const std::string& message = from->front().message;
        if (!packed.empty() && packed.size() + message.size() > max_message) {
            break;
        }
        // The version byte in front is there once a message.
        packed.append(message, packed.empty() ? 0 : 1);
        pop(*from);
    }
    return !packed.empty();
}

LogSocket::LogSocket(int fd, WhenFull when_full)
    : fd_(fd),
      when_full_(when_full),
      queue_(when_full == WhenFull::queue ? std::make_unique<Queue>() : nullptr) {
    if (fd_ >= 0) {
        ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
        // Room for several of the largest messages, so that writer and server need not take turns.
        const int buffer = 1 << 20;
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    }
}

LogSocket::~LogSocket() {
    flush();
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void LogSocket::send(std::string_view log_name, LogLevel level, std::string_view text) noexcept try {
    if (fd_ < 0) {
        return;
    }
    if (when_full_ == WhenFull::wait) {
        std::string message;
        append_record(message, {log_name, level, now_ms(), text});
        send_waiting(fd_, message);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        queue_->push({log_name, level, now_ms(), text});
    }
    flush_or_tell();
} catch (const std::exception&) {
    // Out of memory: the record is lost, the process goes on.
}

void LogSocket::send_many(std::string_view log_name, LogLevel level,
                          std::span<const std::string> texts) noexcept try {
    if (fd_ < 0) {
        return;
    }
    if (when_full_ == WhenFull::wait) {
        send_all_waiting(fd_, log_name, level, texts);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        const std::int64_t time_ms = now_ms();
        for (const std::string& text : texts) {
            queue_->push({log_name, level, time_ms, text});
        }
    }
    flush_or_tell();
} catch (const std::exception&) {
    // Out of memory, as in send.
}

void LogSocket::flush_or_tell() {
    if (!flush() && on_queued_) {
        on_queued_();
    }
}

bool LogSocket::flush() noexcept try {
    if (!queue_) {
        return true;
    }
    const std::lock_guard lock(mutex_);
    while (queue_->pack()) {
        if (!try_send(fd_, queue_->packed)) {
            return false;
        }
        queue_->packed.clear();
    }
    return true;
} catch (const std::exception&) {
    return false;
}

}  // namespace mistamover::logging
