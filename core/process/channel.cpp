// SPDX-License-Identifier: BSD-3-Clause
#include "process/channel.hpp"

#include <cerrno>
#include <poll.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "process/throw_errno.hpp"

namespace mistamover::process {

std::pair<UniqueFd, UniqueFd> socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        throw_errno("socketpair");
    }
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Channel::Channel(EventLoop& loop, UniqueFd fd, MessageHandler on_message, ClosedHandler on_closed)
    : loop_(loop),
      fd_(std::move(fd)),
      on_message_(std::make_shared<MessageHandler>(std::move(on_message))),
      on_closed_(std::move(on_closed)) {
    // Settings are the largest messages; the default buffer would refuse those of a stream with long lists.
    const int buffer = 1 << 20;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    loop_.watch(fd_.get(), EPOLLIN, [this, alive = alive_](std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) {
            send_pending();
        }
        if (*alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            receive();
        }
    });
}

Channel::~Channel() {
    *alive_ = false;
    if (fd_.valid()) {
        loop_.unwatch(fd_.get());
    }
}

void Channel::close() {
    if (fd_.valid()) {
        loop_.unwatch(fd_.get());
        fd_.reset();
        outgoing_.clear();
        const ClosedHandler handler = std::move(on_closed_);
        handler();
    }
}

void Channel::receive() {
    const std::shared_ptr<bool> alive = alive_;
    const std::shared_ptr<MessageHandler> on_message = on_message_;  // outlives the channel that it destroys
    std::string buffer;
    while (*alive && fd_.valid()) {
        const ssize_t length = ::recv(fd_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0 && errno == EAGAIN) {
            return;
        }
        if (length <= 0) {
            close();
            return;
        }
        buffer.resize(static_cast<std::size_t>(length));
        if (::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) == length) {
            Message message;
            try {
                message = decode(buffer);
            } catch (const std::runtime_error&) {
                close();  // a process whose memory is damaged is not listened to any longer
                return;
            }
            (*on_message)(std::move(message));
        }
    }
}

void Channel::send(const Message& message) {
    if (fd_.valid()) {
        outgoing_.push_back(encode(message));
        if (outgoing_.size() == 1) {
            send_pending();
        }
    }
}

void Channel::send_pending() {
    const bool had_some = !outgoing_.empty();
    while (!outgoing_.empty()) {
        const ssize_t sent = ::send(fd_.get(), outgoing_.front().data(), outgoing_.front().size(),
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            loop_.change(fd_.get(), EPOLLIN | EPOLLOUT);
            return;
        }
        // A peer that has gone is noticed, and reported, by the reading side.
        outgoing_.pop_front();
    }
    loop_.change(fd_.get(), EPOLLIN);
    if (had_some && on_drained_) {
        on_drained_();
    }
}

bool Channel::connected() const {
    pollfd hung_up{fd_.get(), 0, 0};
    return fd_.valid() && ::poll(&hung_up, 1, 0) == 0;
}

void Channel::flush_blocking() {
    while (!outgoing_.empty()) {
        pollfd waiting{fd_.get(), POLLOUT, 0};
        if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) {
            return;
        }
        if ((waiting.revents & (POLLERR | POLLHUP)) != 0) {
            return;
        }
        send_pending();
    }
}

}  // namespace mistamover::process
