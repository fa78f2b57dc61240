// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/control_socket.hpp"

#include <array>
#include <cstring>
#include <ctime>
#include <doctest/doctest.h>
#include <optional>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "mere_user.hpp"
#include "scratch.hpp"

namespace mistamover::test {
namespace {

using namespace std::chrono_literals;
using process::UniqueFd;
using supervisor::ControlSocket;

// A control socket that answers "REQUEST!" on a loop that runs on the test's thread while `clients` runs on
// another.
void serve(const std::filesystem::path& run_dir, ControlSocket::Limits limits,
           const std::function<void(const std::filesystem::path&)>& clients) {
    process::EventLoop loop;
    ControlSocket socket(
        loop, run_dir, [](const std::string& request) { return request + "!"; }, limits);
    std::atomic<bool> done = false;
    std::thread thread([&] {
        clients(run_dir);
        done = true;
    });
    std::function<void()> look = [&] {
        if (done) {
            loop.stop();
        } else {
            loop.call_after(1ms, look);
        }
    };
    look();
    loop.run();
    thread.join();
}

UniqueFd connect_to(const std::filesystem::path& run_dir) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (run_dir / "control.sock").c_str(), sizeof address.sun_path - 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fd.reset();
    }
    return fd;
}

std::string refusal_to_answer(const std::filesystem::path& run_dir,
                              std::chrono::milliseconds patience = 10s) {
    try {
        return supervisor::ask_controller(run_dir, "status", patience);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

// Waits for the other end to hang up.
std::string read_to_end(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t length = 0;
    while ((length = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(length));
    }
    return text;
}

}  // namespace

TEST_CASE("a request is answered, and only its owner may ask") {
    const Scratch scratch;
    serve(scratch.path(), {}, [](const std::filesystem::path& run_dir) {
        CHECK(supervisor::ask_controller(run_dir, "status") == "status!\n");
        struct stat info {};
        CHECK(::stat((run_dir / "control.sock").c_str(), &info) == 0);
        CHECK((info.st_mode & 0777U) == 0600U);
    });
    CHECK_FALSE(std::filesystem::exists(scratch / "control.sock"));
    CHECK_THROWS_WITH_AS(supervisor::ask_controller(scratch.path(), "status"),
                         doctest::Contains("no mistamover daemon answers"), std::runtime_error);
}

TEST_CASE("a path longer than a socket's can be is no obstacle") {
    const Scratch scratch;
    const std::filesystem::path run_dir = scratch / std::string(120, 'd');
    std::filesystem::create_directory(run_dir);
    serve(run_dir, {}, [](const std::filesystem::path& directory) {
        CHECK(supervisor::ask_controller(directory, "x") == "x!\n");
    });
}

TEST_CASE("a request may come in pieces, and one without end is refused") {
    const Scratch scratch;
    serve(scratch.path(), {}, [](const std::filesystem::path& run_dir) {
        const UniqueFd slow = connect_to(run_dir);
        CHECK(::send(slow.get(), "sta", 3, MSG_NOSIGNAL) == 3);
        CHECK(supervisor::ask_controller(run_dir, "x") == "x!\n");
        CHECK(::send(slow.get(), "tus\n", 4, MSG_NOSIGNAL) == 4);
        CHECK(read_to_end(slow.get()) == "status!\n");
        const UniqueFd endless = connect_to(run_dir);
        const std::string much(10'000, 'x');
        (void)!::send(endless.get(), much.data(), much.size(), MSG_NOSIGNAL);
        CHECK(read_to_end(endless.get()).empty());
    });
}

TEST_CASE("silent clients do not shut out others: the oldest has to go") {
    const Scratch scratch;
    serve(scratch.path(), {4, 1h}, [](const std::filesystem::path& run_dir) {
        std::array<UniqueFd, 4> silent;
        for (UniqueFd& each : silent) {
            each = connect_to(run_dir);
        }
        CHECK(supervisor::ask_controller(run_dir, "x") == "x!\n");
        CHECK(read_to_end(silent.front().get()).empty());
        CHECK(::send(silent.back().get(), "y\n", 2, MSG_NOSIGNAL) == 2);
        CHECK(read_to_end(silent.back().get()) == "y!\n");
    });
}

TEST_CASE("a silent client is dropped after a while") {
    const Scratch scratch;
    serve(scratch.path(), {64, 50ms}, [](const std::filesystem::path& run_dir) {
        const UniqueFd silent = connect_to(run_dir);
        CHECK(read_to_end(silent.get()).empty());
    });
}

TEST_CASE("a controller that accepts nobody is not waited for without end") {
    const Scratch scratch;
    process::EventLoop loop;  // never runs
    const ControlSocket socket(loop, scratch.path(), [](const std::string& request) { return request; });
    CHECK(refusal_to_answer(scratch.path(), 50ms).find("did not answer within 1 seconds") !=
          std::string::npos);
    std::string refusal;
    for (int clients = 0; clients < 100 && refusal.find("too many others wait") == std::string::npos;
         ++clients) {
        refusal = refusal_to_answer(scratch.path(), 50ms);
    }
    CHECK_MESSAGE(refusal.find("too many others wait") != std::string::npos, refusal);
}

TEST_CASE("a user who may not ask is told so") {
    const Scratch scratch;
    process::EventLoop loop;
    const ControlSocket socket(loop, scratch.path(), [](const std::string& request) { return request; });
    ::chmod((scratch / "control.sock").c_str(), 0);
    std::string refusal;
    {
        const MereUser user;
        refusal = refusal_to_answer(scratch.path());
    }
    CHECK_MESSAGE(refusal.find("this user may not ask the mistamover daemon") == 0, refusal);
}

TEST_CASE("the socket of the next controller stays where this one ends") {
    const Scratch scratch;
    process::EventLoop loop;
    auto first =
        std::make_optional<ControlSocket>(loop, scratch.path(), [](const auto& text) { return text; });
    const ControlSocket next(loop, scratch.path(), [](const auto& text) { return text; });
    first.reset();
    CHECK(std::filesystem::exists(scratch / "control.sock"));
}

TEST_CASE("where no descriptor is left, the socket does not spin, and it answers again when there is one") {
    const Scratch scratch;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    process::EventLoop loop;
    const ControlSocket socket(loop, scratch.path(), [](const std::string& request) { return request; });
    const UniqueFd client = connect_to(scratch.path());
    REQUIRE(::send(client.get(), "x\n", 2, MSG_NOSIGNAL) == 2);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    const std::clock_t cpu = std::clock();
    loop.call_after(300ms, [&] { loop.stop(); });
    loop.run();
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(std::clock() - cpu < CLOCKS_PER_SEC / 5);

    loop.watch(client.get(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
    loop.run();
    CHECK(read_to_end(client.get()) == "x\n");
}

}  // namespace mistamover::test
