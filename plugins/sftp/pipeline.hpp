// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <mistamover/border.hpp>

#include "sftp/failure.hpp"
#include "sftp/packet.hpp"

namespace mistamover::sftp {

/// A stream of bytes to a server and back. Its methods throw StatusError of session or stream scope once it
/// is broken.
class ByteChannel {
  public:
    virtual ~ByteChannel() = default;
    /// Sends some of it and returns how much; 0 where it would have to wait.
    virtual std::size_t send(std::string_view bytes) = 0;
    /// Appends what has come; false where nothing has.
    virtual bool receive(PacketSplitter& to) = 0;
    /// Waits until something has come, more can be sent (where `to_send`), `cancel_fd` (where not -1) is
    /// readable or the time is over.
    virtual void wait(bool to_send, int cancel_fd, std::chrono::milliseconds patience) = 0;
    /// The server is known to speak SFTP.
    virtual void connected() {}
};

/// The server's answer to one request.
struct Reply {
    PacketType type = PacketType::status;
    std::uint32_t code = reply_code::ok;  ///< Of a status.
    std::string_view message = {};        ///< Of a status.
    PacketReader body;                    ///< The fields of any other.

    [[nodiscard]] bool is_ok() const noexcept { return type == PacketType::status && code == reply_code::ok; }
    /// It refuses to do that to a file that is there: not allowed, no reason given, or cannot be done.
    [[nodiscard]] bool is_refusal() const noexcept {
        return type == PacketType::status && (code == reply_code::permission_denied ||
                                              code == reply_code::failure || code == reply_code::unsupported);
    }
    /// The Status that a refusal is; for a status other than ok.
    [[nodiscard]] Status failure(std::string_view doing,
                                 StatusCode unspecific = StatusCode::permission) const;
};

/// Called once, from Pipeline::pump.
using ReplyHandler = std::function<void(Reply&)>;

/// Many requests on their way at once. Guarantees: every handler is called once, in the order of the answers,
/// unless pump throws; then the pipeline is broken for good, no handler is called any more, and every later
/// call throws the same. What a handler throws breaks it too. Used by one thread.
class Pipeline {
  public:
    /// Both outlive it.
    Pipeline(ByteChannel& channel, border::SessionContext& context);
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Exchanges INIT and VERSION; the version's extensions go to `on_extension` (name, data).
    void start(const std::function<void(std::string_view, std::string_view)>& on_extension);

    /// Appends a request, whose fields behind the number `fill` writes. Until it is answered, the server may
    /// be silent for `extra_patience` longer than the stall timeout.
    template <typename Fill>
    void request(PacketType type, const Fill& fill, ReplyHandler handler,
                 std::chrono::milliseconds extra_patience = {}) {
        const std::uint32_t id = expect_answer({std::move(handler), extra_patience});
        PacketWriter packet(output_, type);
        packet.number(id);
        fill(packet);
    }
    /// Sends, and handles what has come, after having waited for either. Throws StatusError: `timed_out`
    /// after the context's stall timeout without a byte in either direction while an answer is due,
    /// `cancelled` where answers do not come soon after a cancel.
    void pump();
    /// Until nothing is in flight.
    void finish();
    /// Requests without an answer.
    [[nodiscard]] std::size_t in_flight() const noexcept { return due_.size(); }
    /// False where so much waits to be sent that more would only wait with it.
    [[nodiscard]] bool has_room() const noexcept { return output_.size() < most_unsent; }
    /// A wait for something else than the server is over: its patience starts anew.
    void restart_patience() noexcept { last_activity_ = Clock::now(); }
    /// Calls none of the handlers any more; the pipeline is broken.
    void abandon() noexcept;

  private:
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t most_unsent = 512UL * 1024;

    struct Due {
        ReplyHandler handler;
        std::chrono::milliseconds extra_patience;
    };

    std::uint32_t expect_answer(Due due);
    void round();
    bool send();
    bool handle_replies();
    void handle(std::string_view packet);
    [[nodiscard]] std::chrono::milliseconds patience() const noexcept {
        return std::chrono::milliseconds(context_.stall_timeout_ms()) + extra_patience_;
    }
    void check_patience();
    void wait_for_something();

    ByteChannel& channel_;
    border::SessionContext& context_;
    OutputBuffer output_;
    PacketSplitter input_;
    std::unordered_map<std::uint32_t, Due> due_;
    std::uint32_t next_id_ = 1;
    Clock::time_point last_activity_;
    std::chrono::milliseconds extra_patience_{0};  ///< Of all that is due.
    std::optional<Clock::time_point> cancelled_at_;
    std::optional<Status> broken_;
};

}  // namespace mistamover::sftp
