// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/change_sender.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include "loop_support.hpp"

namespace mistamover::test {
namespace {

using supervisor::ChangeSender;

// The controller's end of a channel, and the bare other end, at which nobody reads before it is told to.
struct Told {
    process::EventLoop loop;
    process::UniqueFd child;
    std::optional<process::Channel> channel;
    std::optional<ChangeSender> sender;

    Told() {
        auto [ours, theirs] = process::socket_pair();
        child = std::move(theirs);
        channel.emplace(
            loop, std::move(ours), [](process::Message&&) {}, [] {});
        sender.emplace(*channel);
    }
    void fill() {
        while (channel->pending() == 0) {
            channel->send(process::WatchFailed{std::string(100'000, 'x')});
        }
    }
    // All that has come, once nothing is pending any more.
    std::vector<process::Message> read() {
        std::vector<process::Message> got;
        std::string buffer(1U << 20U, '\0');
        const auto take = [&] {
            ssize_t length = 0;
            while ((length = ::recv(child.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
                got.push_back(
                    process::decode(std::string_view(buffer).substr(0, static_cast<std::size_t>(length))));
            }
        };
        CHECK(run_until(loop, [&] {
            take();
            return channel->pending() == 0;
        }));
        take();
        return got;
    }
};

std::size_t rescans_at_end(const std::vector<process::Message>& messages) {
    std::size_t count = 0;
    while (count < messages.size() &&
           std::holds_alternative<process::Rescan>(messages[messages.size() - 1 - count])) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("changes are told by name, and by a rescan where names are lost or too many") {
    Told told;
    told.sender->tell({"a", "b"}, false);
    told.sender->tell({"a"}, true);
    told.sender->tell(std::vector<std::string>(2000, "a"), false);
    const std::vector<process::Message> got = told.read();
    REQUIRE(got.size() == 3);
    CHECK(std::get<process::Changed>(got[0]).names == std::vector<std::string>{"a", "b"});
    CHECK(rescans_at_end(got) == 2);
}

TEST_CASE(
    "changes that come while the channel is full are made good by one rescan, whatever else is pending") {
    Told told;
    told.fill();
    told.channel->send(process::HoldUnits{1, "/d", {"held"}});
    REQUIRE(told.channel->pending() >= 2);
    for (int times = 0; times < 3; ++times) {
        told.sender->tell({"a"}, false);
    }
    CHECK(rescans_at_end(told.read()) == 1);
    told.sender->tell({"b"}, false);
    const std::vector<process::Message> got = told.read();
    REQUIRE(got.size() == 1);
    CHECK(std::get<process::Changed>(got[0]).names == std::vector<std::string>{"b"});
}

}  // namespace mistamover::test
