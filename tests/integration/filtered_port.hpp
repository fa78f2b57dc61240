// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "servers/server_process.hpp"

namespace mistamover::test {

/// A port that answers no connection: its queue is full, as if a filter swallowed what is sent to it.
class FilteredPort {
  public:
    FilteredPort() {
        sockaddr_in place{};
        place.sin_family = AF_INET;
        place.sin_port = htons(port_);
        place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* address = reinterpret_cast<const sockaddr*>(&place);
        sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(sockets_.front(), address, sizeof place) == 0);
        REQUIRE(::listen(sockets_.front(), 0) == 0);
        for (int count = 0; count < 4; ++count) {
            sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            (void)::connect(sockets_.back(), address, sizeof place);
        }
    }
    ~FilteredPort() {
        for (const int socket : sockets_) {
            ::close(socket);
        }
    }
    FilteredPort(const FilteredPort&) = delete;
    FilteredPort& operator=(const FilteredPort&) = delete;
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  private:
    std::uint16_t port_ = free_port();
    std::vector<int> sockets_;
};

}  // namespace mistamover::test
