// SPDX-License-Identifier: BSD-3-Clause
#include "servers/slow_proxy.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <deque>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include "scratch.hpp"

namespace mistamover::test {
namespace {

// What a line holds that has not been delivered: enough for a fast one of a long delay.
constexpr std::size_t most_on_the_way = 8UL << 20U;
constexpr std::size_t largest_chunk = 64UL << 10U;

// A slow line takes little at a time and holds little, so that what it has carried is what was sent.
std::size_t chunk_size(std::uint64_t rate) {
    return rate == 0 ? largest_chunk : std::clamp<std::size_t>(rate / 50, 512, largest_chunk);
}

std::size_t capacity(std::uint64_t rate) {
    return rate == 0 ? most_on_the_way : std::clamp<std::size_t>(rate / 5, 1024, most_on_the_way);
}

sockaddr_in address_of(const char* host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), "slow proxy: " + what);
}

std::uint16_t local_port(int socket) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
}

int connect_to_server(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = address_of("127.0.0.1", port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

void set_up(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void reset(int socket) {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(socket);
}

}  // namespace

struct SlowProxy::Direction {
    struct Chunk {
        Clock::time_point due;
        std::string bytes;
    };
    int from = -1;
    int to = -1;
    int index = 0;  ///< 0 towards the server, 1 back.
    std::deque<Chunk> chunks{};
    std::size_t on_the_way = 0;
    bool ended = false;   ///< Nothing more comes.
    bool closed = false;  ///< And the other side has been told.
    bool broken = false;
    bool full = false;  ///< The receiver must take something first.

    [[nodiscard]] bool takes(std::uint64_t rate) const { return !ended && on_the_way < capacity(rate); }
};

struct SlowProxy::Connection {
    Connection(int client, int server) : directions{{{client, server, 0}, {server, client, 1}}} {}
    ~Connection() {
        reset(directions[0].from);
        reset(directions[0].to);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] bool over() const {
        const auto& [up, down] = directions;
        return up.broken || down.broken || (up.closed && down.closed);
    }
    std::array<Direction, 2> directions;
    Clock::time_point last_carried = Clock::now();
};

SlowProxy::SlowProxy(std::uint16_t first_port, LineQuality line, std::uint16_t ports)
    : delay_(line.delay), bytes_a_second_(line.bytes_a_second) {
    listener_poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    wake_event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (std::uint16_t count = 0; count < ports; ++count) {
        listen(static_cast<std::uint16_t>(first_port + count));
    }
    thread_ = std::thread([this] { run(); });
}

SlowProxy::~SlowProxy() {
    ending_ = true;
    wake();
    thread_.join();
    open_.clear();
    for (const int listener : listeners_) {
        ::close(listener);
    }
    ::close(listener_poll_);
    ::close(wake_event_);
}

void SlowProxy::listen(std::uint16_t port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    listeners_.push_back(listener);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in place = address_of(address, port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0 ||
        ::listen(listener, 128) != 0) {
        fail(std::string(address) + ':' + std::to_string(port));
    }
    epoll_event event{EPOLLIN, {.fd = listener}};
    ::epoll_ctl(listener_poll_, EPOLL_CTL_ADD, listener, &event);
}

void SlowProxy::wake() const {
    ::eventfd_write(wake_event_, 1);
}

void SlowProxy::cut() {
    const unsigned wanted = ++cuts_wanted_;
    wake();
    if (!eventually([&] { return cuts_made_ >= wanted; })) {
        throw std::runtime_error("slow proxy: its thread hangs");
    }
}

void SlowProxy::stall(bool stalled) {
    {
        const std::lock_guard lock(serving_);
        stalled_ = stalled;
        stall_at_ = UINT64_MAX;
    }
    wake();
}

void SlowProxy::run() {
    while (!ending_) {
        const unsigned cuts = cuts_wanted_;
        if (cuts != cuts_made_) {
            open_.clear();
            cuts_made_ = cuts;
        }
        if (wait() > 0) {
            take_connections();
        }
        const std::lock_guard lock(serving_);
        if (stalled_) {
            continue;
        }
        for (const auto& connection : open_) {
            serve(*connection);
        }
        const std::int64_t limit = idle_limit_ms_;
        const auto now = Clock::now();
        std::erase_if(open_, [&](const auto& connection) {
            const bool idle = limit > 0 && now - connection->last_carried > std::chrono::milliseconds{limit};
            return idle || connection->over();
        });
    }
}

// Until something can be done; the number of listeners with something to take, or 0.
int SlowProxy::wait() {
    std::vector<pollfd> waiting{{wake_event_, POLLIN, 0}, {listener_poll_, POLLIN, 0}};
    auto until = Clock::now() + std::chrono::milliseconds{50};
    if (!stalled_) {
        for (const auto& connection : open_) {
            for (const Direction& direction : connection->directions) {
                if (direction.takes(bytes_a_second_)) {
                    waiting.push_back({direction.from, POLLIN, 0});
                }
                if (direction.full) {
                    waiting.push_back({direction.to, POLLOUT, 0});
                } else if (!direction.chunks.empty()) {
                    until = std::min(until, direction.chunks.front().due);
                }
            }
        }
    }
    const auto left = std::max(until - Clock::now(), Clock::duration::zero());
    const timespec patience{0, std::chrono::duration_cast<std::chrono::nanoseconds>(left).count()};
    ::ppoll(waiting.data(), waiting.size(), &patience, nullptr);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_event_, &ignored);
    return (waiting[1].revents & POLLIN) != 0 ? 1 : 0;
}

void SlowProxy::take_connections() {
    std::array<epoll_event, 16> events{};
    const int count = ::epoll_wait(listener_poll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const int client =
            ::accept4(events[static_cast<std::size_t>(i)].data.fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) {
            continue;
        }
        ++connections_;
        const int server = connect_to_server(local_port(client));
        if (server < 0) {
            reset(client);
            continue;
        }
        set_up(client);
        set_up(server);
        open_.push_back(std::make_unique<Connection>(client, server));
    }
}

void SlowProxy::serve(Connection& connection) {
    const std::uint64_t before = bytes_[0] + bytes_[1];
    for (Direction& direction : connection.directions) {
        receive(direction);
        deliver(direction);
    }
    if (bytes_[0] + bytes_[1] != before) {
        connection.last_carried = Clock::now();
    }
}

void SlowProxy::receive(Direction& direction) {
    const std::uint64_t rate = bytes_a_second_;
    while (direction.takes(rate)) {
        std::string bytes(chunk_size(rate), '\0');
        const ssize_t got = ::recv(direction.from, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        direction.broken = got < 0;
        if (got <= 0) {
            direction.ended = true;
            return;
        }
        bytes.resize(static_cast<std::size_t>(got));
        auto& free = line_free_[direction.index];
        const auto now = Clock::now();
        free = std::max(free, now);
        if (rate != 0) {
            free += std::chrono::nanoseconds{
                static_cast<std::int64_t>(1e9 * static_cast<double>(got) / static_cast<double>(rate))};
        }
        direction.on_the_way += bytes.size();
        direction.chunks.push_back({free + delay_, std::move(bytes)});
    }
}

void SlowProxy::deliver(Direction& direction) {
    direction.full = false;
    while (!stalled_ && !direction.chunks.empty() && direction.chunks.front().due <= Clock::now()) {
        std::string& bytes = direction.chunks.front().bytes;
        const ssize_t sent = ::send(direction.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            direction.full = errno == EAGAIN || errno == EINTR;
            direction.broken = direction.broken || !direction.full;
            return;
        }
        bytes_[direction.index] += static_cast<std::uint64_t>(sent);
        if (bytes_[0] >= stall_at_) {
            stall_at_ = UINT64_MAX;
            stalled_ = true;
        }
        direction.on_the_way -= static_cast<std::size_t>(sent);
        bytes.erase(0, static_cast<std::size_t>(sent));
        if (bytes.empty()) {
            direction.chunks.pop_front();
        }
    }
    if (direction.ended && direction.chunks.empty() && !direction.closed) {
        ::shutdown(direction.to, SHUT_WR);
        direction.closed = true;
    }
}

}  // namespace mistamover::test
