// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_wire.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SSLException.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/socket.h>
#include <system_error>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

using std::chrono::milliseconds;

// What Poco's secure sockets return instead of a length.
constexpr int wants_read = Poco::Net::SecureStreamSocket::ERR_SSL_WANT_READ;
constexpr int wants_write = Poco::Net::SecureStreamSocket::ERR_SSL_WANT_WRITE;

[[noreturn]] void lost(const std::string& reason) {
    throw StatusError({StatusCode::connection_lost, StatusScope::session, "connection lost: " + reason});
}

[[noreturn]] void unreachable(const Poco::Net::SocketAddress& address, const std::string& reason) {
    throw StatusError({StatusCode::unreachable, StatusScope::session,
                       "no connection to " + address.toString() + ": " + reason});
}

void connect(Poco::Net::StreamSocket& socket, const Poco::Net::SocketAddress& address,
             SessionContext& context, milliseconds patience) {
    try {
        socket.connectNB(address);
        wait_for(socket.impl()->sockfd(), POLLOUT, context, patience);
    } catch (const Poco::Exception& error) {
        unreachable(address, error.displayText());
    } catch (const StatusError& error) {
        if (error.status().code() == StatusCode::timed_out) {
            unreachable(address, "no answer");
        }
        throw;
    }
    if (const int error = socket.impl()->socketError(); error != 0) {
        unreachable(address, std::generic_category().message(error));
    }
    socket.setNoDelay(true);
}

}  // namespace

void wait_for(int descriptor, short events, SessionContext& context, milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto left =
            std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        std::array<pollfd, 2> watched{{{descriptor, events, 0}, {context.cancel_fd(), POLLIN, 0}}};
        const int ready = left > 0 ? ::poll(watched.data(), watched.size(), static_cast<int>(left)) : 0;
        if (watched[1].revents != 0 || context.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::item, "cancelled"});
        }
        if (ready > 0) {
            return;
        }
        if (ready == 0) {
            throw StatusError(
                {StatusCode::timed_out, StatusScope::session,
                 "the server has been silent, or taken no data, for " + format_duration(patience)});
        }
        if (errno != EINTR) {
            lost(std::generic_category().message(errno));
        }
    }
}

Wire::Wire(const Poco::Net::SocketAddress& address, SessionContext& context, milliseconds patience)
    : context_(context), silence_(patience) {
    connect(socket_, address, context, patience);
}

Wire::Wire(const Poco::Net::StreamSocket& accepted, SessionContext& context)
    : context_(context), silence_(context.stall_timeout_ms()), socket_(accepted) {
    socket_.setBlocking(false);
    socket_.setNoDelay(true);
}

void Wire::keep_alive() {
    constexpr int seconds_of_silence = 60;
    socket_.setKeepAlive(true);
    socket_.setOption(IPPROTO_TCP, TCP_KEEPIDLE, seconds_of_silence);
    socket_.setOption(IPPROTO_TCP, TCP_KEEPINTVL, seconds_of_silence);
}

void Wire::wait(short events) {
    wait_for(socket_.impl()->sockfd(), events, context_, silence_);
}

// Poco does not tell the end of the stream from data that are still to come, where TLS waits for more.
bool Wire::peer_has_ended() const {
    char next = 0;
    return ::recv(socket_.impl()->sockfd(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void Wire::handshake_failed(const std::string& reason) {
    const std::string refused = take_verification_failure();
    if (!refused.empty()) {
        throw StatusError(
            {StatusCode::host_key, StatusScope::stream, "the server's certificate is refused: " + refused});
    }
    lost("TLS: " + reason);
}

void Wire::start_tls(const TlsClient& tls, const Poco::Net::Session::Ptr& session) {
    (void)take_verification_failure();
    try {
        secure_.emplace(Poco::Net::SecureStreamSocket::attach(socket_, tls.host(), tls.context(), session));
        for (;;) {
            const int done = secure_->completeHandshake();
            if (done == 1) {
                return;
            }
            wait(done == wants_write ? POLLOUT : POLLIN);
            if (done != wants_write && peer_has_ended()) {
                handshake_failed("the server has closed the connection");
            }
        }
    } catch (const Poco::Exception& error) {
        handshake_failed(error.displayText());
    }
}

std::size_t Wire::read(char* buffer, std::size_t capacity) {
    try {
        for (;;) {
            const int got = secure_ ? secure_->receiveBytes(buffer, static_cast<int>(capacity))
                                    : socket_.receiveBytes(buffer, static_cast<int>(capacity));
            if (got >= 0) {
                return static_cast<std::size_t>(got);
            }
            wait(secure_ && got == wants_write ? POLLOUT : POLLIN);
            if (secure_ && got != wants_write && peer_has_ended()) {
                return 0;
            }
        }
    } catch (const Poco::Net::SSLConnectionUnexpectedlyClosedException&) {
        return 0;
    } catch (const Poco::Exception& error) {
        lost(error.displayText());
    }
}

void Wire::write(std::string_view bytes) {
    try {
        while (!bytes.empty()) {
            const auto length = static_cast<int>(bytes.size());
            if (!secure_) {
                wait(POLLOUT);  // Poco takes a socket that has no room for a broken one
            }
            const int sent =
                secure_ ? secure_->sendBytes(bytes.data(), length) : socket_.sendBytes(bytes.data(), length);
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else {
                wait(secure_ && sent == wants_read ? POLLIN : POLLOUT);
                if (secure_ && sent == wants_read && peer_has_ended()) {
                    lost("the server has closed the connection");
                }
            }
        }
    } catch (const Poco::Exception& error) {
        lost(error.displayText());
    }
}

void Wire::finish_writing() {
    try {
        if (secure_) {
            // Without room for it, the farewell would be dropped.
            wait(POLLOUT);
            secure_->shutdown();
        }
    } catch (const Poco::Exception&) {
        // The peer has gone; its reply on the control connection says why.
        return;
    }
    (void)::shutdown(socket_.impl()->sockfd(), SHUT_WR);
}

bool Wire::has_something_to_read() const {
    pollfd watched{socket_.impl()->sockfd(), POLLIN, 0};
    return ::poll(&watched, 1, 0) != 0;
}

NoSigpipe::NoSigpipe() {
    sigset_t pipe;
    sigset_t before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    was_blocked_ = sigismember(&before, SIGPIPE) == 1;
}

NoSigpipe::~NoSigpipe() {
    if (was_blocked_) {
        return;
    }
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    const timespec at_once{};
    while (::sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE) {
    }
    ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

}  // namespace mistamover::ftp
