// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_options.hpp"
#include "ftp/ftp_path.hpp"
#include "ftp/ftp_reply.hpp"
#include "ftp/ftp_tls.hpp"
#include "ftp/ftp_wire.hpp"

namespace mistamover::ftp {

/// A control connection, logged in and standing in the target directory, with binary type. Commands are
/// queued and sent together; their replies come in the same order. After a StatusError that is not of item
/// scope, or `cancelled`, it is of no use any more.
class Control {
  public:
    /// Connects and logs in. `known_login`: the same login has worked before, so that no refusal is for good.
    /// Throws StatusError.
    Control(const FtpOptions& options, const TlsClient& tls, SessionContext& context, bool known_login);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    /// How this server reads names, once that is known; until then, as the standard says.
    void set_name_rules(const NameRules& names) { names_ = names; }
    /// See command_with_path.
    [[nodiscard]] std::string with_path(std::string_view verb, std::string_view path) const;

    using Handler = std::function<void(const Reply&)>;

    /// Adds a command to what is sent next. `handler` sees its reply; an exception that it throws comes out
    /// of `answer`, and ends the use of this connection unless no reply is outstanding.
    void queue(std::string_view command, Handler handler);
    /// Adds a command whose replies the caller reads by read_reply.
    void queue_unanswered(std::string_view command);
    void flush();
    /// Reads the next reply and hands it to its handler.
    void answer();
    /// Sends what is queued and reads all replies to it.
    void exchange();
    /// One command and its reply, after what is queued. The server may be silent for so much longer than
    /// otherwise.
    Reply call(std::string_view command, std::chrono::milliseconds more_patience = {});
    /// A reply that no command of its own has asked for (the end of a transfer). Throws where the server says
    /// that it ends the connection.
    Reply read_reply();
    /// The same, if it comes within `patience`; otherwise nothing, and this connection is of no use any more.
    std::optional<Reply> read_reply_within(std::chrono::milliseconds patience);
    /// Reads all that the server has still to say of earlier commands, however many replies that are. Throws
    /// where nothing would show their end.
    void catch_up();

    /// Whether it is a directory that can be entered; does so and returns.
    bool is_directory(std::string_view path);
    /// Back into the target directory. Throws where that cannot be entered any more.
    void return_to_target();
    /// Whether the server answers; false where it has gone.
    bool is_alive();

    /// So long may the server be silent.
    [[nodiscard]] std::chrono::milliseconds silence() const;
    /// From now on each reply is counted in `steps`, which lives longer; nowhere where it is null.
    void count_steps(std::atomic<std::uint64_t>* steps) noexcept { steps_ = steps; }
    /// Counts what else shows that the server is at work.
    void note_step() noexcept {
        if (steps_ != nullptr) {
            ++*steps_;
        }
    }

    /// Whether the server has ended the connection, or said something unasked for, while nothing went on.
    [[nodiscard]] bool is_stale() const { return wire_->has_something_to_read() || !parser_.empty(); }
    [[nodiscard]] const Features& features() const noexcept { return features_; }
    [[nodiscard]] Wire& wire() noexcept { return *wire_; }
    [[nodiscard]] const Poco::Net::SocketAddress& address() const noexcept { return address_; }

  private:
    void connect();
    void start_tls();
    void log_in();
    [[noreturn]] void refused(const Reply& reply, std::string_view doing) const;
    void probe_features();
    void enter_target();

    const FtpOptions& options_;
    const TlsClient& tls_;
    SessionContext& context_;
    bool known_login_;
    Poco::Net::SocketAddress address_;
    std::optional<Wire> wire_;
    ReplyParser parser_;
    Features features_;
    NameRules names_;
    std::string target_;            ///< The target directory as the server names it.
    bool tells_directory_ = false;  ///< It answers PWD as nothing else is answered.
    std::string secret_;            ///< What is replaced in replies: the password, while it is given.
    std::string unsent_;
    std::deque<Handler> expected_;
    std::atomic<std::uint64_t>* steps_ = nullptr;
};

/// So many commands may wait for their replies: both sides' buffers hold more than these.
inline constexpr std::size_t window = 64;

/// Hands every index below `count` to `queue_one`, and reads the replies in between.
template <typename QueueOne>
void in_windows(Control& control, std::size_t count, const QueueOne& queue_one) {
    for (std::size_t from = 0; from < count; from += window) {
        for (std::size_t index = from; index < std::min(count, from + window); ++index) {
            queue_one(index);
        }
        control.exchange();
    }
}

}  // namespace mistamover::ftp
