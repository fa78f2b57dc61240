// SPDX-License-Identifier: BSD-3-Clause
#include "process/spawn.hpp"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <string>
#include <sys/wait.h>

#include "process/channel.hpp"
#include "scratch.hpp"

namespace mistamover::test {
namespace {

// What the child, this same program with this test alone, tells of itself.
std::string told_by_child() {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int number = std::stoi(entry.path().filename().string());
        if (number > 2 && std::filesystem::read_symlink(entry.path()).string().find("/proc/") != 0) {
            text += std::to_string(number) + ' ';
        }
    }
    sigset_t mask;
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    text += ::sigismember(&mask, SIGUSR1) == 0 ? "unblocked" : "blocked";
    text += std::signal(SIGPIPE, SIG_DFL) == SIG_DFL ? "" : " ignores SIGPIPE";
    return text + (::getpgrp() == ::getpid() ? " own group" : " other group");
}

}  // namespace

TEST_CASE("of a child" * doctest::skip()) {
    process::set_process_name("a name that is too long");
    const std::string text = told_by_child();
    CHECK(::write(process::channel_fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    CHECK(::write(process::log_fd, "log", 3) == 3);
    char wait = 0;
    CHECK(::read(process::channel_fd, &wait, 1) == 0);
}

TEST_CASE(
    "a child has its two descriptors and no other, no blocked or ignored signal and a group of its own") {
    auto [ours, theirs] = process::socket_pair();
    auto [log_ours, log_theirs] = process::socket_pair();
    const int inheritable = ::open("/dev/null", O_RDONLY);  // NOLINT: not close-on-exec, on purpose
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const auto handled_before = std::signal(SIGPIPE, SIG_IGN);
    const pid_t pid =
        process::spawn_self({"--no-skip", "--test-case=of a child"}, theirs.get(), log_theirs.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    std::signal(SIGPIPE, handled_before);
    theirs.reset();
    log_theirs.reset();
    ::close(inheritable);
    std::array<char, 1000> text{};
    ssize_t length = ::read(ours.get(), text.data(), text.size());
    REQUIRE(length > 0);
    CHECK(std::string(text.data(), static_cast<std::size_t>(length)) == "3 4 unblocked own group");
    length = ::read(log_ours.get(), text.data(), text.size());
    CHECK(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))) == "log");
    CHECK(read_file("/proc/" + std::to_string(pid) + "/comm") == "a name that is \n");
    ours.reset();
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
}

}  // namespace mistamover::test
