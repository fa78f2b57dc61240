// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mistamover::test {

struct LineQuality {
    std::chrono::milliseconds delay{0};  ///< Each way.
    std::uint64_t bytes_a_second = 0;    ///< Each way, all connections together; 0: no limit.
};

/// A slow or bad line to servers on 127.0.0.1: listens on the same ports of another loopback address, and
/// carries what comes there and back on a thread of its own. A client that takes a server's data ports from
/// its answers, as one of FTP does, reaches those by the same address. Its methods may be called at any
/// moment.
class SlowProxy {
  public:
    /// For the ports `first_port` and so on, `ports` of them. Throws where they cannot be had.
    explicit SlowProxy(std::uint16_t first_port, LineQuality line = {}, std::uint16_t ports = 1);
    ~SlowProxy();
    SlowProxy(const SlowProxy&) = delete;
    SlowProxy& operator=(const SlowProxy&) = delete;

    static constexpr const char* address = "127.0.0.2";

    /// Resets every connection; new ones are taken.
    void cut();
    /// While stalled nothing is carried, in either direction; connections are taken, and stay silent.
    void stall(bool stalled);
    /// Stalls by itself once so many bytes more, or a few more than that, have been carried to the server;
    /// stall() takes that back.
    void stall_after(std::uint64_t bytes) { stall_at_ = bytes_up() + bytes; }
    void throttle(std::uint64_t bytes_a_second) { bytes_a_second_ = bytes_a_second; }
    /// Resets a connection once nothing has been carried on it for so long; 0: never.
    void drop_idle_after(std::chrono::milliseconds limit) { idle_limit_ms_ = limit.count(); }

    /// Carried towards the server, and back.
    [[nodiscard]] std::uint64_t bytes_up() const noexcept { return bytes_[0]; }
    [[nodiscard]] std::uint64_t bytes_down() const noexcept { return bytes_[1]; }
    /// Taken since the start.
    [[nodiscard]] std::size_t connections() const noexcept { return connections_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Direction;
    struct Connection;

    void listen(std::uint16_t port);
    void run();
    void take_connections();
    [[nodiscard]] int wait();
    void serve(Connection& connection);
    void receive(Direction& direction);
    void deliver(Direction& direction);
    void wake() const;

    std::chrono::milliseconds delay_;
    std::atomic<std::uint64_t> bytes_a_second_;
    std::atomic<std::int64_t> idle_limit_ms_{0};
    std::mutex
        serving_;  ///< Held while connections are served: what is set with it held counts from then on.
    std::atomic<bool> stalled_{false};
    std::atomic<std::uint64_t> stall_at_{UINT64_MAX};
    std::atomic<bool> ending_{false};
    std::atomic<unsigned> cuts_wanted_{0};
    std::atomic<unsigned> cuts_made_{0};
    std::atomic<std::uint64_t> bytes_[2]{};
    std::atomic<std::size_t> connections_{0};
    std::vector<int> listeners_;
    int listener_poll_ = -1;  ///< Readable while a listener is.
    int wake_event_ = -1;
    std::vector<std::unique_ptr<Connection>> open_;
    Clock::time_point line_free_[2]{};
    std::thread thread_;
};

}  // namespace mistamover::test
