// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshakes.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

std::vector<Handshake> handshakes(std::size_t count) {
    return std::vector<Handshake>(count);
}

const Handshakes::Clock::time_point beginning{};

}  // namespace

TEST_CASE("the first look comes soon, the later ones ever later, down to one an interval") {
    Handshakes waiting(1s);
    waiting.add(handshakes(1), 0, beginning);
    auto now = beginning;
    auto last_pause = 0ms;
    for (int look = 0; look < 20; ++look) {
        const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(*waiting.next_look() - now);
        CHECK(pause <= (look == 0 ? 50ms : 1000ms));
        CHECK(pause >= last_pause);
        last_pause = pause;
        CHECK(waiting.take_due(10, now).empty());
        now += pause;
        std::vector<Handshake> taken = waiting.take_due(10, now);
        REQUIRE(taken.size() == 1);
        CHECK(waiting.size() == 1);
        waiting.add(std::move(taken), 1, now);
    }
    CHECK(last_pause == 1s);
}

TEST_CASE("one look is for all that are due, as many as may be asked for at once") {
    Handshakes waiting(1s);
    waiting.add(handshakes(5), 0, beginning);
    waiting.add(handshakes(3), 0, beginning + 1ms);
    CHECK(waiting.take_due(6, beginning + 20ms).size() == 6);
    CHECK(waiting.take_due(6, beginning + 20ms).empty());
    CHECK(waiting.take_due(6, beginning + 21ms).size() == 2);
    CHECK_FALSE(waiting.next_look().has_value());
    CHECK(waiting.size() == 8);
    waiting.add({}, 8, beginning + 30ms);
    CHECK(waiting.size() == 0);
}

TEST_CASE("no more units are sent than the window and the disk have room for") {
    Handshakes waiting(1s);
    CHECK(waiting.room(10, 0, 1000) == 10);
    CHECK(waiting.room(10, 4, 1000) == 6);
    CHECK(waiting.room(10, 12, 1000) == 0);
    CHECK(waiting.room(10, 0, 0) == 1);
    CHECK(waiting.room(10, 1, 0) == 0);
    CHECK(waiting.room(10, 0, 7) == 3);
    CHECK(waiting.room(10, 2, 7) == 1);
    waiting.add(handshakes(2), 0, beginning);
    CHECK(waiting.room(10, 2, 7) == 2);
    CHECK(waiting.room(10, 3, 7) == 1);
}

}  // namespace mistamover::stream
