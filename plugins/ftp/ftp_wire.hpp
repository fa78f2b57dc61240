// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/Session.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include <mistamover/border.hpp>

#include "ftp/ftp_tls.hpp"

namespace mistamover::ftp {

using border::SessionContext;

/// One TCP connection, with TLS on top where asked for. Nothing blocks for longer than it was told to, and
/// every wait ends when the session is cancelled. Failures are StatusErrors of session scope: unreachable,
/// connection_lost, timed_out, host_key (stream scope) for a certificate that was refused; and `cancelled`.
class Wire {
  public:
    /// Connects within `patience`.
    Wire(const Poco::Net::SocketAddress& address, SessionContext& context,
         std::chrono::milliseconds patience);
    /// Takes over what a server socket has accepted.
    Wire(const Poco::Net::StreamSocket& accepted, SessionContext& context);

    /// So long may the peer be silent or take nothing, from now on.
    void set_silence(std::chrono::milliseconds silence) { silence_ = silence; }
    void keep_alive();

    /// Makes the handshake; `session` is an earlier one to be resumed, or null.
    void start_tls(const TlsClient& tls, const Poco::Net::Session::Ptr& session);
    [[nodiscard]] Poco::Net::Session::Ptr tls_session() {
        return secure_ ? secure_->currentSession() : nullptr;
    }
    [[nodiscard]] bool is_secure() const noexcept { return secure_.has_value(); }

    /// At least one byte, or 0 at the end of the stream.
    std::size_t read(char* buffer, std::size_t capacity);
    void write(std::string_view bytes);
    /// Tells the peer that nothing more will be written; what it still says can be read.
    void finish_writing();

    /// Whether something, be it the end of the stream, can be read without waiting.
    [[nodiscard]] bool has_something_to_read() const;
    [[nodiscard]] Poco::Net::StreamSocket& socket() noexcept { return socket_; }

  private:
    void wait(short events);
    [[nodiscard]] bool peer_has_ended() const;
    [[noreturn]] void handshake_failed(const std::string& reason);

    SessionContext& context_;
    std::chrono::milliseconds silence_;
    Poco::Net::StreamSocket socket_;
    std::optional<Poco::Net::SecureStreamSocket> secure_;
};

/// Waits until `descriptor` is ready for `events` (poll); throws as Wire does.
void wait_for(int descriptor, short events, SessionContext& context, std::chrono::milliseconds patience);

/// Keeps SIGPIPE from the calling thread while it lives: OpenSSL writes without saying that it wants none.
class NoSigpipe {
  public:
    NoSigpipe();
    ~NoSigpipe();
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;

  private:
    bool was_blocked_;
};

}  // namespace mistamover::ftp
