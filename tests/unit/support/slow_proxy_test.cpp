// SPDX-License-Identifier: BSD-3-Clause
#include "servers/slow_proxy.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch.hpp"
#include "servers/server_process.hpp"

namespace mistamover::test {
namespace {

using namespace std::chrono_literals;
using ProxyClock = std::chrono::steady_clock;

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool has_something(std::chrono::milliseconds patience) const {
        pollfd waiting{fd_, POLLIN, 0};
        return ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1;
    }
    [[nodiscard]] bool send(const std::string& text) const {
        return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    /// Until so much has come; less where the connection ends.
    [[nodiscard]] std::string receive(std::size_t size) const {
        std::string text(size, '\0');
        text.resize(
            static_cast<std::size_t>(std::max<ssize_t>(::recv(fd_, text.data(), size, MSG_WAITALL), 0)));
        return text;
    }

  private:
    int fd_;
};

sockaddr_in place(const char* address, std::uint16_t port) {
    sockaddr_in found{};
    found.sin_family = AF_INET;
    found.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &found.sin_addr);
    return found;
}

/// A server, a proxy before it and a connection through both.
struct Line {
    explicit Line(LineQuality quality) : proxy(port, quality) {
        const sockaddr_in server_place = place("127.0.0.1", port);
        REQUIRE(::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&server_place),
                       sizeof server_place) == 0);
        REQUIRE(::listen(listener.fd(), 1) == 0);
        const sockaddr_in proxy_place = place(SlowProxy::address, port);
        REQUIRE(::connect(client.fd(), reinterpret_cast<const sockaddr*>(&proxy_place), sizeof proxy_place) ==
                0);
        REQUIRE(listener.has_something(60s));
        server_end.emplace(::accept(listener.fd(), nullptr, nullptr));
    }
    std::uint16_t port = free_port();
    SlowProxy proxy;
    Socket listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    Socket client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::optional<Socket> server_end;
};

}  // namespace

TEST_CASE("what is sent arrives unchanged after the delay, is counted, and the end of it arrives too") {
    Line line({30ms, 0});
    const auto begun = ProxyClock::now();
    REQUIRE(line.client.send("question"));
    CHECK(line.server_end->receive(8) == "question");
    REQUIRE(line.server_end->send("answer"));
    CHECK(line.client.receive(6) == "answer");
    CHECK(ProxyClock::now() - begun >= 60ms);
    CHECK(eventually([&] { return line.proxy.bytes_up() == 8 && line.proxy.bytes_down() == 6; }));
    ::shutdown(line.client.fd(), SHUT_WR);
    CHECK(line.server_end->receive(1).empty());
}

TEST_CASE("a line with a limit takes its time") {
    Line line({0ms, 100'000});
    const std::string text(20'000, 'x');
    const auto begun = ProxyClock::now();
    REQUIRE(line.client.send(text));
    CHECK(line.server_end->receive(text.size()) == text);
    CHECK(ProxyClock::now() - begun >= 190ms);
}

TEST_CASE("nothing passes a line that is stalled, and all of it when it goes on") {
    Line line({0ms, 0});
    line.proxy.stall(true);
    REQUIRE(line.client.send("late"));
    CHECK_FALSE(line.server_end->has_something(100ms));
    line.proxy.stall(false);
    CHECK(line.server_end->receive(4) == "late");
}

TEST_CASE("a line that is cut resets its connections, and one that is idle is dropped when asked for") {
    Line line({0ms, 0});
    line.proxy.cut();
    REQUIRE(line.client.has_something(60s));
    CHECK(line.client.receive(1).empty());
    Line idle({0ms, 0});
    CHECK_FALSE(idle.client.has_something(20ms));
    idle.proxy.drop_idle_after(20ms);
    REQUIRE(idle.client.has_something(60s));
    CHECK(idle.client.receive(1).empty());
    CHECK(idle.proxy.connections() == 1);
}

}  // namespace mistamover::test
