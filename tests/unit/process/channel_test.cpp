// SPDX-License-Identifier: BSD-3-Clause
#include "process/channel.hpp"

#include <doctest/doctest.h>
#include <memory>
#include <sys/socket.h>
#include <vector>

namespace mistamover::test {

using namespace process;

namespace {

// A channel in a loop, and the bare other end of it.
struct Ends {
    EventLoop loop;
    UniqueFd other;
    std::unique_ptr<Channel> channel;
    std::vector<Message> got;
    int closed = 0;

    Ends() {
        auto [ours, theirs] = socket_pair();
        other = std::move(theirs);
        channel = std::make_unique<Channel>(
            loop, std::move(ours),
            [this](Message&& message) {
                got.push_back(std::move(message));
                loop.stop();
            },
            [this] {
                ++closed;
                loop.stop();
            });
    }
    void other_sends(const std::string& bytes) const {
        REQUIRE(::send(other.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    }
    [[nodiscard]] Message other_receives() const {
        std::string buffer(1U << 22U, '\0');
        const ssize_t length = ::recv(other.get(), buffer.data(), buffer.size(), 0);
        REQUIRE(length > 0);
        return decode(std::string_view(buffer).substr(0, static_cast<std::size_t>(length)));
    }
};

}  // namespace

TEST_CASE("messages arrive one by one, in order") {
    Ends ends;
    ends.other_sends(encode(WatchFailed{"first"}));
    ends.other_sends(encode(WatchFailed{"second"}));
    ends.loop.run();
    REQUIRE(ends.got.size() == 2);
    CHECK(std::get<WatchFailed>(ends.got[0]).reason == "first");
    CHECK(std::get<WatchFailed>(ends.got[1]).reason == "second");
}

TEST_CASE("whether the other end is there is told at once, before what it has sent is read") {
    Ends ends;
    CHECK(ends.channel->connected());
    ends.other_sends(encode(Heartbeat{}));
    CHECK(ends.channel->connected());
    ends.other.reset();
    CHECK_FALSE(ends.channel->connected());
}

TEST_CASE("a message far larger than the default buffer of a socket goes in one piece") {
    Ends ends;
    const std::string large(700'000, 'x');
    ends.channel->send(WatchFailed{large});
    CHECK(std::get<WatchFailed>(ends.other_receives()).reason == large);
}

TEST_CASE("what the socket does not take is kept, in order, and sent when the other end reads") {
    Ends ends;
    constexpr int count = 40;
    for (int i = 0; i < count; ++i) {
        ends.channel->send(WatchFailed{std::to_string(i) + std::string(100'000, 'x')});
    }
    CHECK(ends.channel->pending() > 0);
    bool drained = false;
    ends.channel->on_drained([&] {
        drained = true;
        ends.loop.stop();
    });
    int received = 0;
    ends.loop.watch(ends.other.get(), 1, [&](std::uint32_t) {
        CHECK(
            std::get<WatchFailed>(ends.other_receives()).reason.starts_with(std::to_string(received) + 'x'));
        ++received;
    });
    ends.loop.run();
    CHECK(drained);
    CHECK(ends.channel->pending() == 0);
    CHECK(received + 20 > count);
}

TEST_CASE("an end that has gone is told once, after what it had sent") {
    Ends ends;
    ends.other_sends(encode(Finished{true}));
    ends.other.reset();
    ends.loop.run();
    CHECK(ends.got.size() == 1);
    CHECK(ends.closed == 1);
    ends.channel->send(Heartbeat{});
    CHECK(ends.channel->pending() == 0);
    ends.channel->receive();
    CHECK(ends.closed == 1);
}

TEST_CASE("whoever sends nonsense is not listened to any longer") {
    for (const std::string& nonsense :
         {std::string("\x7fnonsense"), encode(Finished{true}) + 'x', std::string(1, '\0')}) {
        Ends ends;
        ends.other_sends(nonsense);
        ends.other_sends(encode(Finished{true}));
        ends.loop.run();
        CHECK(ends.closed == 1);
        CHECK(ends.got.empty());
    }
}

TEST_CASE("a handler may destroy the channel that calls it") {
    Ends ends;
    auto [ours, theirs] = socket_pair();
    std::unique_ptr<Channel> doomed;
    int got = 0;
    doomed = std::make_unique<Channel>(
        ends.loop, std::move(ours),
        [&](Message&&) {
            ++got;
            doomed.reset();
            ends.loop.stop();
        },
        [] {});
    const std::string bytes = encode(Heartbeat{});
    REQUIRE(::send(theirs.get(), bytes.data(), bytes.size(), 0) > 0);
    REQUIRE(::send(theirs.get(), bytes.data(), bytes.size(), 0) > 0);
    ends.loop.run();
    CHECK(got == 1);
}

TEST_CASE("last words are waited for, but not those for an end that has gone") {
    Ends ends;
    for (int i = 0; i < 40; ++i) {
        ends.channel->send(WatchFailed{std::string(100'000, 'x')});
    }
    CHECK(ends.channel->pending() > 0);
    ends.other.reset();
    ends.channel->flush_blocking();
}

}  // namespace mistamover::test
