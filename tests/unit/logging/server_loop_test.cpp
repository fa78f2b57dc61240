// SPDX-License-Identifier: BSD-3-Clause
#include "logging/server_loop.hpp"

#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <map>
#include <random>
#include <set>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

#include "log_test_support.hpp"
#include "logging/client.hpp"

namespace mistamover::logging {
namespace {

using test::eventually;
using test::read_file;
using test::ServerProcess;
using test::settings_for;
using test::SocketPair;
using test::TestDirectory;
using test::texts_of;
using test::texts_with_old_files;

using Texts = std::vector<std::string>;
constexpr ServerLoop::Delays short_delays{std::chrono::milliseconds(20), std::chrono::milliseconds(100)};

LogSocket waiting_socket(SocketPair& sockets) {
    return {::dup(sockets.writer.get()), LogSocket::WhenFull::wait};
}

void send_raw(const SocketPair& sockets, std::string_view message) {
    REQUIRE(::send(sockets.writer.get(), message.data(), message.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(message.size()));
}

bool socket_is_empty(const SocketPair& sockets) {
    int left = -1;
    return ::ioctl(sockets.reader.get(), SIOCINQ, &left) == 0 && left == 0;
}

// With something to read that means that it waits for the disk.
bool sleeps(pid_t process) {
    const std::string stat = read_file("/proc/" + std::to_string(process) + "/stat");
    return stat.find(") S ") != std::string::npos;
}

/// The value of a line of /proc/<process>/status.
std::string process_status(pid_t process, const std::string& key) {
    const std::string status = read_file("/proc/" + std::to_string(process) + "/status");
    const std::size_t at = status.find('\n' + key + ':');
    return at == std::string::npos ? "" : status.substr(at + key.size() + 2, 12);
}

TEST_CASE("records are in their files and the server ends when the last writer has gone") {
    const TestDirectory directory;
    SocketPair sockets;
    ServerProcess server(sockets, directory.path() / "log");
    {
        LogSocket socket = waiting_socket(sockets);
        socket.send("a", LogLevel::info, "one\ntwo");
        socket.send("b", LogLevel::error, "three");
        socket.send("a", LogLevel::debug, "four");
    }
    sockets.writer.reset();
    CHECK(server.wait() == 0);
    CHECK(texts_of(directory.path() / "log/a.log") == Texts{"one\\ntwo", "four"});
    CHECK(texts_of(directory.path() / "log/b.log") == Texts{"three"});
    CHECK_FALSE(std::filesystem::exists(directory.path() / "log/mistamover_ctl.log"));
}

TEST_CASE("records that nobody has read are written by the next server") {
    const TestDirectory directory;
    SocketPair sockets;
    waiting_socket(sockets).send("a", LogLevel::info, "written before the server was there");
    ServerProcess server(sockets, directory.path());
    sockets.writer.reset();
    CHECK(server.wait() == 0);
    CHECK(texts_of(directory.path() / "a.log") == Texts{"written before the server was there"});
}

TEST_CASE("a record is taken from the socket only when it is in the file") {
    const TestDirectory directory;
    SocketPair sockets;
    waiting_socket(sockets).send("a", LogLevel::info, std::string(5000, 'x'));
    const auto serve = [&] {
        test::limit_file_size(0, 1000);
        return ServerLoop({sockets.reader.get(), -1}, settings_for(directory.path()), {}, short_delays).run();
    };
    ServerProcess first(test::fork_process(serve));
    CHECK(eventually([&] { return std::filesystem::exists(directory.path() / "a.log"); }));
    first.kill();
    CHECK_FALSE(socket_is_empty(sockets));
    ServerProcess second(sockets, directory.path());
    sockets.writer.reset();
    CHECK(second.wait() == 0);
    CHECK(texts_of(directory.path() / "a.log") == Texts{std::string(5000, 'x')});
}

TEST_CASE("messages that are no log messages are dropped and noted, and hold up nothing") {
    const TestDirectory directory;
    SocketPair sockets;
    ServerProcess server(sockets, directory.path());
    send_raw(sockets, "garbage");
    send_raw(sockets, "");
    send_raw(sockets, std::string(70'000, 'x'));
    std::string cut;
    append_record(cut, {"a", LogLevel::info, 0, "whole"});
    append_record(cut, {"a", LogLevel::info, 0, "cut short"});
    cut.pop_back();
    send_raw(sockets, cut);
    waiting_socket(sockets).send("a", LogLevel::info, "after");
    send_raw(sockets, "");
    sockets.writer.reset();
    CHECK(server.wait() == 0);
    CHECK(texts_of(directory.path() / "a.log") == Texts{"whole", "after"});
    const std::string notes = read_file(directory.path() / "mistamover_ctl.log");
    CHECK(notes.find("a log message of 7 bytes is malformed") != std::string::npos);
    CHECK(notes.find("a message of 70000 bytes is too large") != std::string::npos);
    CHECK(notes.find("its first 1 records was dropped") != std::string::npos);
}

TEST_CASE("SIGTERM and SIGINT do not end it") {
    const TestDirectory directory;
    SocketPair sockets;
    ServerProcess server(sockets, directory.path());
    LogSocket socket = waiting_socket(sockets);
    socket.send("a", LogLevel::info, "before");
    REQUIRE(eventually([&] { return texts_of(directory.path() / "a.log").size() == 1; }));
    ::kill(server.id(), SIGTERM);
    ::kill(server.id(), SIGINT);
    socket.send("a", LogLevel::info, "after");
    CHECK(eventually([&] { return texts_of(directory.path() / "a.log").size() == 2; }));
}

TEST_CASE("SIGHUP opens the files anew") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    SocketPair sockets;
    ServerProcess server(sockets, directory.path());
    LogSocket socket = waiting_socket(sockets);
    socket.send("a", LogLevel::info, "0");
    REQUIRE(eventually([&] { return texts_of(path).size() == 1; }));
    std::filesystem::rename(path, directory.path() / "moved");
    socket.send("a", LogLevel::info, "1");
    CHECK(eventually([&] { return texts_of(directory.path() / "moved").size() == 2; }));
    ::kill(server.id(), SIGHUP);
    int count = 2;
    CHECK(eventually([&] {
        socket.send("a", LogLevel::info, std::to_string(count++));
        return std::filesystem::exists(path);
    }));
    const std::size_t moved = texts_of(directory.path() / "moved").size();
    CHECK(eventually([&] { return texts_of(path).size() + moved == static_cast<std::size_t>(count); }));
    CHECK(texts_of(directory.path() / "moved").size() == moved);
}

TEST_CASE("an idle server sleeps") {
    const TestDirectory directory;
    SocketPair sockets;
    ServerProcess server(sockets, directory.path());
    waiting_socket(sockets).send("a", LogLevel::info, "text");
    REQUIRE(eventually([&] { return socket_is_empty(sockets); }));
    const std::string key = "voluntary_ctxt_switches";
    std::string before;
    // Asleep for good: it has not run once during a whole look.
    CHECK(eventually([&] {
        before = process_status(server.id(), key);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return process_status(server.id(), key) == before;
    }));
    CHECK_FALSE(before.empty());
    CHECK(process_status(server.id(), "State").find('S') != std::string::npos);
}

TEST_CASE("new settings come through the control socket, and unusable ones are noted") {
    const TestDirectory directory;
    SocketPair sockets;
    SocketPair control;
    ServerProcess server(sockets, settings_for(directory.path() / "one"), short_delays, &control);
    LogSocket socket = waiting_socket(sockets);
    socket.send("a", LogLevel::info, "text");
    REQUIRE(eventually([&] { return socket_is_empty(sockets); }));
    send_raw(control, "nonsense");
    CHECK(eventually([&] {
        return read_file(directory.path() / "one/mistamover_ctl.log").find("that is no directory") !=
               std::string::npos;
    }));
    send_raw(control, (directory.path() / "two").string());
    CHECK(eventually([&] {
        socket.send("a", LogLevel::info, "json");
        return read_file(directory.path() / "two/a.log").find("\"text\":\"json\"") != std::string::npos;
    }));
    control.writer.reset();
    const std::size_t size = read_file(directory.path() / "two/a.log").size();
    socket.send("a", LogLevel::info, "after the controller has gone");
    CHECK(eventually([&] { return read_file(directory.path() / "two/a.log").size() > size; }));
}

TEST_CASE("on a full disk records wait in the socket, and are all written once there is room") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    SocketPair sockets;
    ServerProcess server(sockets, settings_for(directory.path()), short_delays);
    waiting_socket(sockets).send("a", LogLevel::info, "0");
    REQUIRE(eventually([&] { return texts_of(path).size() == 1; }));
    test::limit_file_size(server.id(), 4096);
    constexpr int count = 500;
    const pid_t writer = test::fork_process([&] {
        LogSocket socket = waiting_socket(sockets);
        for (int number = 1; number < count; ++number) {
            socket.send("a", LogLevel::info, std::to_string(number));
        }
        return 0;
    });
    CHECK(eventually([&] {
        const std::string content = read_file(path);
        const std::size_t line = content.size() - content.rfind('\n', content.size() - 2);
        return content.size() + line > 4096 && !socket_is_empty(sockets) && sleeps(server.id());
    }));
    CHECK(::waitpid(writer, nullptr, WNOHANG) == 0);
    test::lift_file_size_limit(server.id());
    CHECK(test::wait_for(writer) == 0);
    sockets.writer.reset();
    CHECK(server.wait() == 0);
    const Texts texts = texts_of(path);
    REQUIRE(texts.size() == count);
    for (int number = 0; number < count; ++number) {
        CHECK(texts[static_cast<std::size_t>(number)] == std::to_string(number));
    }
    const std::string notes = read_file(directory.path() / "mistamover_ctl.log");
    CHECK(notes.find("] WARNING ") != std::string::npos);
    CHECK(notes.find("no record was lost") != std::string::npos);
}

TEST_CASE("of a message that the full disk stopped half way nothing is written twice") {
    const TestDirectory directory;
    SocketPair sockets;
    ServerProcess server(sockets, settings_for(directory.path()), short_delays);
    waiting_socket(sockets).send("b", LogLevel::info, "ready");
    REQUIRE(eventually([&] { return socket_is_empty(sockets); }));
    test::limit_file_size(server.id(), 4096);
    const std::string large(5000, 'x');
    std::string message;
    append_record(message, {"a", LogLevel::info, 0, "first"});
    append_record(message, {"b", LogLevel::info, 0, large});
    append_record(message, {"a", LogLevel::info, 0, "third"});
    send_raw(sockets, message);
    CHECK(eventually([&] { return texts_of(directory.path() / "a.log") == Texts{"first"}; }));
    test::lift_file_size_limit(server.id());
    sockets.writer.reset();
    CHECK(server.wait() == 0);
    CHECK(texts_of(directory.path() / "a.log") == Texts{"first", "third"});
    CHECK(texts_of(directory.path() / "b.log") == Texts{"ready", large});
}

TEST_CASE("with the disk full and no writer left it gives up") {
    const TestDirectory directory;
    SocketPair sockets;
    waiting_socket(sockets).send("a", LogLevel::info, std::string(5000, 'x'));
    const auto serve = [&] {
        sockets.writer.reset();
        ::close(STDERR_FILENO);
        test::limit_file_size(0, 1000);
        return ServerLoop({sockets.reader.get(), -1}, settings_for(directory.path()), {}, short_delays).run();
    };
    ServerProcess server(test::fork_process(serve));
    sockets.writer.reset();
    CHECK(server.wait() == 1);
}

/// The next message that the server sends to its controller; empty where it sends none.
std::string told_to_controller(const SocketPair& control) {
    std::string text(4096, '\0');
    ssize_t length = -1;
    CHECK(eventually([&] {
        length = ::recv(control.writer.get(), text.data(), text.size(), MSG_DONTWAIT);
        return length >= 0;
    }));
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return text;
}

TEST_CASE("the controller is told once that a record cannot be written and why, and that it can again") {
    const TestDirectory directory;
    const auto log = directory.path() / "log";
    test::write_file(log, "no directory");
    SocketPair sockets;
    SocketPair control;
    ServerProcess server(sockets, settings_for(log), short_delays, &control);
    for (const char* const text : {"one", "two"}) {
        waiting_socket(sockets).send("a", LogLevel::info, text);
    }
    CHECK(told_to_controller(control) ==
          (log / "a.log").string() + " could not be written (Not a directory)");
    std::filesystem::remove(log);
    CHECK(told_to_controller(control) == written_again);
    CHECK(eventually([&] { return texts_of(log / "a.log") == Texts{"one", "two"}; }));
}

/// Numbered records of one writer, singly and several at a time.
int write_numbers(int fd, int writer, int count) {
    LogSocket socket(fd, LogSocket::WhenFull::wait);
    const std::string prefix = "w" + std::to_string(writer) + ' ';
    const std::string log_name = "log" + std::to_string(writer % 2);
    for (int number = 0; number < count;) {
        socket.send(log_name, LogLevel::info, prefix + std::to_string(number++));
        Texts several;
        while (several.size() < 5 && number < count) {
            several.push_back(prefix + std::to_string(number++));
        }
        socket.send_many(log_name, LogLevel::error, several);
    }
    return 0;
}

/// Starts and kills servers until the writers have ended; returns how many were killed.
int kill_servers(SocketPair& sockets, const config::LoggingSettings& settings, std::set<pid_t> writers) {
    std::mt19937 random(7);
    int kills = 0;
    while (!writers.empty()) {
        ServerProcess server(sockets, settings, {});
        // They live longer and longer: where to start one takes long, some live long enough to write.
        std::uniform_int_distribution<int> life_us(0, 8'000 + 100 * kills);
        std::this_thread::sleep_for(std::chrono::microseconds(life_us(random)));
        server.kill();
        ++kills;
        std::erase_if(writers, [](pid_t writer) {
            int status = 0;
            const bool ended = ::waitpid(writer, &status, WNOHANG) == writer;
            CHECK((!ended || status == 0));
            return ended;
        });
    }
    return kills;
}

TEST_CASE("killed over and over the server loses no record of any writer, and keeps their order") {
    const TestDirectory directory;
    SocketPair sockets;
    auto settings = settings_for(directory.path());
    settings.max_size = ByteCount{20'000};
    settings.keep = 100'000;
    constexpr int writer_count = 4;
    constexpr int count = 30'000;
    std::set<pid_t> writers;
    for (int writer = 0; writer < writer_count; ++writer) {
        writers.insert(test::fork_process(
            [&, writer] { return write_numbers(sockets.writer.release(), writer, count); }));
    }
    const int kills = kill_servers(sockets, settings, writers);
    CHECK(kills > 20);
    ServerProcess last(sockets, settings, {});
    sockets.writer.reset();
    REQUIRE(last.wait() == 0);

    std::map<int, int> next;
    std::size_t records = 0;
    for (const char* const log : {"log0.log", "log1.log"}) {
        for (const std::string& text : texts_with_old_files(directory.path() / log)) {
            int writer = -1;
            int number = -1;
            int end = 0;
            REQUIRE(std::sscanf(text.c_str(), "w%d %d%n", &writer, &number, &end) == 2);
            REQUIRE(static_cast<std::size_t>(end) == text.size());
            REQUIRE(number <= next[writer]);
            next[writer] = std::max(next[writer], number + 1);
            ++records;
        }
    }
    for (int writer = 0; writer < writer_count; ++writer) {
        CHECK(next[writer] == count);
    }
    constexpr int largest_message = 5;
    CHECK(records <= static_cast<std::size_t>(writer_count * count + kills * largest_message));
    CHECK_FALSE(std::filesystem::exists(directory.path() / "mistamover_ctl.log"));
}

}  // namespace
}  // namespace mistamover::logging
