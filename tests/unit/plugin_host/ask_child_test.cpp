// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/ask_child.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "process/unique_fd.hpp"

namespace mistamover::plugin_host {
namespace {

constexpr std::chrono::seconds generous{60};

ChildAnswer ask_shell(const std::string& script, std::chrono::milliseconds deadline = generous) {
    return ask_child("/bin/sh", {"sh", "-c", script}, deadline);
}

}  // namespace

TEST_CASE("the child's output and exit code come back whole") {
    const ChildAnswer answer =
        ask_shell("i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done; exit 7");
    CHECK(answer.output.size() == 22000);
    CHECK(answer.exit_code == 7);
    CHECK(answer.signal == 0);
    CHECK_FALSE(answer.timed_out);
}

TEST_CASE("the signal that ended the child is told") {
    CHECK(ask_shell("kill -SEGV $$").signal == SIGSEGV);
    CHECK(ask_shell("kill -KILL $$").signal == SIGKILL);
}

TEST_CASE("a child that does not end is killed with everything it started") {
    // The grandchild holds the pipe open and would outlive a kill of its parent alone.
    const ChildAnswer answer = ask_shell("echo begun; sleep 1000 & wait", std::chrono::seconds{3});
    CHECK(answer.timed_out);
    CHECK(answer.output == "begun\n");
}

TEST_CASE("a child that closes its output but does not end is killed") {
    const ChildAnswer answer = ask_shell("exec >&-; sleep 1000", std::chrono::milliseconds{300});
    CHECK(answer.timed_out);
}

TEST_CASE("a child that writes without end is given up") {
    const ChildAnswer answer = ask_shell("yes");
    CHECK(answer.timed_out);
}

TEST_CASE("the child has no descriptor of ours, nothing to read and default signal handling") {
    const process::UniqueFd open_without_cloexec(::open("/dev/null", O_RDONLY));
    REQUIRE(open_without_cloexec.get() > 2);
    const std::string number = std::to_string(open_without_cloexec.get());
    CHECK(ask_shell("test -e /proc/self/fd/" + number + " && echo inherited").output.empty());
    CHECK(ask_shell("cat").output.empty());
}

TEST_CASE("a program that is not there is an error") {
    CHECK_THROWS_AS(ask_child("/nonexistent/program", {"x"}, generous), std::system_error);
}

}  // namespace mistamover::plugin_host
