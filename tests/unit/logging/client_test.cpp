// SPDX-License-Identifier: BSD-3-Clause
#include "logging/client.hpp"

#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <map>
#include <pthread.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "log_test_support.hpp"
#include "logging/log_message.hpp"

namespace mistamover::logging {
namespace {

using test::SocketPair;

constexpr LogSocket::WhenFull both_kinds[] = {LogSocket::WhenFull::wait, LogSocket::WhenFull::queue};

struct Received {
    std::string log_name;
    LogLevel level;
    std::string text;
};

/// Takes one message; nothing where there is none.
std::vector<Received> receive(const SocketPair& sockets, int flags = MSG_DONTWAIT) {
    std::string buffer(max_message + 1, '\0');
    const ssize_t size = ::recv(sockets.reader.get(), buffer.data(), buffer.size(), flags | MSG_TRUNC);
    if (size <= 0) {
        return {};
    }
    CHECK(static_cast<std::size_t>(size) <= max_message);
    const Decoded decoded =
        decode_message(std::string_view(buffer).substr(0, static_cast<std::size_t>(size)));
    CHECK_FALSE(decoded.malformed);
    std::vector<Received> received;
    for (const Record& record : decoded.records) {
        received.push_back({std::string(record.log_name), record.level, std::string(record.text)});
    }
    return received;
}

std::vector<Received> receive_all(const SocketPair& sockets, LogSocket& socket) {
    std::vector<Received> all;
    while (true) {
        socket.flush();
        const auto some = receive(sockets);
        if (some.empty()) {
            return all;
        }
        all.insert(all.end(), some.begin(), some.end());
    }
}

TEST_CASE("a record arrives with its log, level and text") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    socket.send("dtc_a", LogLevel::warning, "text");
    const auto received = receive(sockets);
    REQUIRE(received.size() == 1);
    CHECK(received[0].log_name == "dtc_a");
    CHECK(received[0].level == LogLevel::warning);
    CHECK(received[0].text == "text");
}

TEST_CASE("a logger sends what is at or above its level") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    const Logger logger(socket, "a", LogLevel::warning);
    logger.debug("1");
    logger.info("2");
    logger.warning("3");
    logger.error("4");
    logger.critical("5");
    logger.log_many(LogLevel::info, std::vector<std::string>{"6"});
    logger.log_many(LogLevel::error, std::vector<std::string>{"7", "8"});
    std::string texts;
    for (const Received& received : receive_all(sockets, socket)) {
        texts += received.text;
    }
    CHECK(texts == "34578");
}

TEST_CASE("the socket is not inherited by programs") {
    SocketPair sockets;
    ::fcntl(sockets.writer.get(), F_SETFD, 0);
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    CHECK((::fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("send_many packs records into few messages, none too large") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    std::vector<std::string> texts;
    texts.reserve(1001);
    for (int number = 0; number < 1000; ++number) {
        texts.push_back(std::to_string(number) + std::string(90, 'x'));
    }
    texts.emplace_back(200'000, 'y');
    socket.send_many("a", LogLevel::info, texts);
    std::size_t messages = 0;
    std::size_t records = 0;
    for (auto some = receive(sockets); !some.empty(); some = receive(sockets)) {
        for (const Received& received : some) {
            CHECK(received.text.starts_with(texts.at(records++).substr(0, 90)));
        }
        ++messages;
    }
    CHECK(records == texts.size());
    CHECK(messages <= 4);
}

TEST_CASE("no texts make no message") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    socket.send_many("a", LogLevel::info, {});
    CHECK(::recv(sockets.reader.get(), nullptr, 0, MSG_DONTWAIT | MSG_PEEK) == -1);
}

std::atomic<int> signals_handled{0};

bool is_asleep(pid_t thread) {
    const std::string status = test::read_file("/proc/self/task/" + std::to_string(thread) + "/status");
    return status.find("\nState:\tS") != std::string::npos;
}

TEST_CASE("a writer that waits is not put off by signals, and goes on when the reader reads") {
    SocketPair sockets;
    struct sigaction action {};
    action.sa_handler = [](int) { ++signals_handled; };  // Without SA_RESTART, so that send is interrupted.
    struct sigaction previous {};
    ::sigaction(SIGUSR1, &action, &previous);
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    SUBCASE("on a blocking socket") {}
    SUBCASE("on a socket that somebody made non-blocking") {
        ::fcntl(socket.fd(), F_SETFL, O_NONBLOCK);
    }
    const std::string large(5000, 'x');  // The socket must not hold all of them.
    constexpr int count = 2000;
    std::atomic<pid_t> id{0};
    std::thread writer([&] {
        id = ::gettid();
        for (int number = 0; number < count; ++number) {
            socket.send("a", LogLevel::info, std::to_string(number) + large);
        }
    });
    CHECK(test::eventually([&] { return id != 0 && is_asleep(id); }));
    for (int round = 0; round < 20; ++round) {
        const int handled = signals_handled;
        ::pthread_kill(writer.native_handle(), SIGUSR1);
        CHECK(test::eventually([&] { return signals_handled > handled && is_asleep(id); }));
    }
    for (int number = 0; number < count; ++number) {
        const auto received = receive(sockets, 0);
        REQUIRE(received.size() == 1);
        CHECK(received[0].text == std::to_string(number) + large);
    }
    writer.join();
    ::sigaction(SIGUSR1, &previous, nullptr);
}

TEST_CASE("without a reader records go nowhere, without a signal") {
    for (const auto kind : both_kinds) {
        SocketPair sockets;
        LogSocket socket(sockets.writer.release(), kind);
        sockets.reader.reset();
        socket.send("a", LogLevel::critical, "text");
        socket.send_many("a", LogLevel::critical, std::vector<std::string>{"text"});
        CHECK(socket.flush());
    }
    LogSocket none(-1, LogSocket::WhenFull::wait);
    none.send("a", LogLevel::critical, "text");
    none.send_many("a", LogLevel::critical, std::vector<std::string>{"text"});
    CHECK(none.flush());
}

TEST_CASE("a writer that queues never waits and loses no order") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::queue);
    constexpr std::size_t count = 20'000;
    for (std::size_t number = 0; number < count; ++number) {
        socket.send("a", number % 3 == 0 ? LogLevel::error : LogLevel::info, std::to_string(number));
    }
    CHECK_FALSE(socket.flush());
    const auto received = receive_all(sockets, socket);
    CHECK(socket.flush());
    REQUIRE(received.size() == count);
    for (std::size_t number = 0; number < count; ++number) {
        REQUIRE(received[number].text == std::to_string(number));
    }
}

TEST_CASE("a writer that queues is told that something waits, and only then") {
    SocketPair sockets;
    LogSocket socket(::dup(sockets.writer.get()), LogSocket::WhenFull::queue);
    int told = 0;
    socket.on_queued([&] { ++told; });
    socket.send("a", LogLevel::info, "fits");
    CHECK(told == 0);
    while (told == 0) {
        socket.send("a", LogLevel::info, std::string(30'000, 'x'));
    }
    CHECK_FALSE(socket.flush());
    while (!receive(sockets).empty()) {
    }
    CHECK(socket.flush());
}

TEST_CASE("a full queue drops DEBUG and INFO first, oldest first, and tells how many") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::queue);
    const std::string large(16'384, 'x');
    const auto text = [&](const char* kind, int number) {
        return kind + std::to_string(number) + ' ' + large;
    };
    for (int number = 0; number < 200; ++number) {
        socket.send("a", LogLevel::error, text("E", number));
    }
    constexpr int minor_count = 2000;
    for (int number = 0; number < minor_count; ++number) {
        socket.send("a", number % 2 == 0 ? LogLevel::info : LogLevel::debug, text("I", number));
    }
    std::map<char, std::vector<int>> numbers;
    std::vector<std::string> reports;
    for (const Received& received : receive_all(sockets, socket)) {
        if (received.log_name == controller_log) {
            CHECK(received.level == LogLevel::warning);
            reports.push_back(received.text);
        } else {
            numbers[received.text.front()].push_back(std::stoi(received.text.substr(1)));
        }
    }
    CHECK(numbers['E'].size() == 200);
    const std::vector<int>& minor = numbers['I'];
    REQUIRE(minor.size() > 500);
    REQUIRE(minor.size() < minor_count);
    for (std::size_t i = 1; i < minor.size(); ++i) {
        REQUIRE(minor[i] == minor[i - 1] + 1);
    }
    CHECK(minor.back() == minor_count - 1);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].starts_with(std::to_string(minor_count - minor.size()) + " log records were dropped"));
}

TEST_CASE("a queue that is full of errors drops the oldest of them") {
    SocketPair sockets;
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::queue);
    const std::string large(30'000, 'x');
    for (int number = 0; number < 1000; ++number) {
        socket.send("a", LogLevel::error, std::to_string(number) + ' ' + large);
    }
    const auto received = receive_all(sockets, socket);
    CHECK(received.size() < 800);
    CHECK(received.back().text.starts_with("999 "));
}

TEST_CASE("several threads may use one socket of either kind") {
    for (const auto kind : both_kinds) {
        SocketPair sockets;
        LogSocket socket(sockets.writer.release(), kind);
        constexpr int thread_count = 4;
        constexpr int count = 500;
        std::vector<std::thread> threads;
        threads.reserve(thread_count);
        for (int thread = 0; thread < thread_count; ++thread) {
            threads.emplace_back([&socket, thread] {
                for (int number = 0; number < count; ++number) {
                    const std::string text = std::to_string(thread) + ' ' + std::to_string(number);
                    number % 2 == 0 ? socket.send("a", LogLevel::info, text)
                                    : socket.send_many("a", LogLevel::error, std::vector{text});
                    socket.flush();
                }
            });
        }
        std::map<int, int> next;
        for (int left = thread_count * count; left > 0;) {
            socket.flush();
            for (const Received& received : receive(sockets)) {
                std::size_t end = 0;
                const int thread = std::stoi(received.text, &end);
                REQUIRE(std::stoi(received.text.substr(end)) == next[thread]++);
                --left;
            }
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        CHECK(next.size() == thread_count);
    }
}

}  // namespace
}  // namespace mistamover::logging
