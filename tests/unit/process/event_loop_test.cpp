// SPDX-License-Identifier: BSD-3-Clause
#include "process/event_loop.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <vector>

namespace mistamover::test {

using namespace process;
using namespace std::chrono_literals;

TEST_CASE("timers go off in the order of their times, and those of one time in the order they were made") {
    EventLoop loop;
    std::vector<int> order;
    const auto now = EventLoop::Clock::now();
    loop.call_at(now + 2ms, [&] { order.push_back(3); });
    loop.call_at(now + 1ms, [&] { order.push_back(1); });
    loop.call_at(now + 1ms, [&] { order.push_back(2); });
    loop.call_at(now + 3ms, [&] { loop.stop(); });
    loop.run();
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("a timer that was cancelled does not go off, whoever cancels it") {
    EventLoop loop;
    bool called = false;
    const auto now = EventLoop::Clock::now();
    const EventLoop::TimerId doomed = loop.call_at(now + 2ms, [&] { called = true; });
    loop.call_at(now + 1ms, [&] { loop.cancel(doomed); });
    loop.call_at(now + 3ms, [&] { loop.stop(); });
    loop.cancel(0);
    loop.run();
    CHECK_FALSE(called);
}

TEST_CASE("a timer may set itself again, and does not keep descriptors from being served") {
    EventLoop loop;
    const UniqueFd event(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    std::function<void()> again = [&] { loop.call_after(0ms, again); };
    again();
    loop.watch(event.get(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
    loop.run();
}

TEST_CASE("a handler may remove itself and others that were to be called") {
    EventLoop loop;
    const UniqueFd first(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    const UniqueFd second(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    int calls = 0;
    const auto remove_both = [&](std::uint32_t) {
        ++calls;
        loop.unwatch(first.get());
        loop.unwatch(second.get());
        loop.call_after(0ms, [&] { loop.stop(); });
    };
    loop.watch(first.get(), EPOLLIN, remove_both);
    loop.watch(second.get(), EPOLLIN, remove_both);
    loop.run();
    CHECK(calls == 1);
}

TEST_CASE("the events that are waited for can be changed") {
    EventLoop loop;
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    std::uint32_t seen = 0;
    loop.watch(event.get(), EPOLLIN, [&](std::uint32_t events) {
        seen = events;
        loop.stop();
    });
    loop.change(event.get(), EPOLLOUT);
    loop.run();
    CHECK(seen == EPOLLOUT);
}

TEST_CASE("signals come to the handler, with their sender") {
    EventLoop loop;
    std::vector<int> got;
    loop.handle_signals({SIGUSR1, SIGUSR2}, [&](int signal, int sender) {
        got.push_back(signal);
        CHECK(sender == ::getpid());
        if (got.size() == 2) {
            loop.stop();
        }
    });
    ::kill(::getpid(), SIGUSR1);
    ::kill(::getpid(), SIGUSR2);
    loop.run();
    CHECK(got == std::vector<int>{SIGUSR1, SIGUSR2});
}

TEST_CASE("what a handler throws comes out of run") {
    EventLoop loop;
    loop.call_after(0ms, [] { throw std::runtime_error("told"); });
    CHECK_THROWS_WITH(loop.run(), "told");
}

TEST_CASE("a descriptor that the kernel does not know is refused") {
    EventLoop loop;
    CHECK_THROWS_AS(loop.watch(-1, EPOLLIN, [](std::uint32_t) {}), std::system_error);
}

}  // namespace mistamover::test
