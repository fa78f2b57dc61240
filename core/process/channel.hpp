// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "process/event_loop.hpp"
#include "process/messages.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::process {

/// The two ends of a new SOCK_SEQPACKET pair, both close-on-exec. Throws std::system_error.
std::pair<UniqueFd, UniqueFd> socket_pair();

/// One end of the connection between the controller and a child, served by an event loop, on whose thread
/// everything here is to be called. Sending never blocks: what the socket does not take is kept and sent
/// later.
class Channel {
  public:
    using MessageHandler = std::function<void(Message&&)>;
    using ClosedHandler = std::function<void()>;

    /// `loop` must outlive the channel. `on_closed` is called once, when the other end has gone or sends
    /// nonsense; it may destroy the channel, as may `on_message`.
    Channel(EventLoop& loop, UniqueFd fd, MessageHandler on_message, ClosedHandler on_closed);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    void send(const Message& message);
    /// Messages that wait for the socket: a sender of many may leave some out meanwhile.
    [[nodiscard]] std::size_t pending() const noexcept { return outgoing_.size(); }
    /// Called whenever pending() has fallen to 0.
    void on_drained(std::function<void()> handler) { on_drained_ = std::move(handler); }
    /// Whether the other end is there, at this moment.
    [[nodiscard]] bool connected() const;
    /// Waits until all is sent or the other end has gone: for the last words of a process.
    void flush_blocking();
    /// Handles what has arrived: for what a process that has ended said last.
    void receive();

  private:
    void send_pending();
    void close();

    EventLoop& loop_;
    UniqueFd fd_;
    std::shared_ptr<MessageHandler> on_message_;
    ClosedHandler on_closed_;
    std::function<void()> on_drained_;
    std::deque<std::string> outgoing_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mistamover::process
