// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

#include <mistamover/child_process.hpp>

#include "scratch.hpp"

namespace mistamover {
namespace {

using End = ChildResult::End;

class TestContext final : public border::SessionContext {
  public:
    ~TestContext() { ::close(event_); }
    void log(LogLevel, std::string_view) noexcept override {}
    bool cancelled() const noexcept override { return cancelled_; }
    int cancel_fd() const noexcept override { return event_; }
    std::int64_t stall_timeout_ms() const noexcept override { return stall_ms; }
    void acquire(std::uint64_t) noexcept override {}
    void progress(std::uint64_t) noexcept override {}
    void cancel() {
        cancelled_ = true;
        ::eventfd_write(event_, 1);
    }
    std::int64_t stall_ms = 60'000;

  private:
    std::atomic<bool> cancelled_{false};
    int event_ = ::eventfd(0, EFD_CLOEXEC);
};

ChildCommand shell(const std::string& script, std::string_view input = {}) {
    return {{"sh", "-c", script}, {}, input};
}

struct Ran {
    ChildResult result;
    std::string output;
    std::string errors;
};

Ran run(const ChildCommand& command, TestContext& context, const std::function<bool(int)>& keep_alive = {}) {
    Ran ran;
    ran.result = run_child(
        command, context, [&](std::string_view piece) { ran.output += piece; },
        [&](std::string_view piece) { ran.errors += piece; }, keep_alive);
    return ran;
}

Ran run(const ChildCommand& command) {
    TestContext context;
    return run(command, context);
}

bool is_there(pid_t pid) {
    return ::kill(pid, 0) == 0;
}

}  // namespace

TEST_CASE("output, error output and exit code are what the program gave") {
    const Ran ran = run(shell("echo out; echo err >&2; exit 7"));
    CHECK(ran.result.exited_with(7));
    CHECK(ran.output == "out\n");
    CHECK(ran.errors == "err\n");
}

TEST_CASE("the arguments reach the program unchanged") {
    const Ran ran = run({{"printf", "%s|", "a b", "*", "$HOME", "'\"", "new\nline", ""}, {}, {}});
    CHECK(ran.output == "a b|*|$HOME|'\"|new\nline||");
}

TEST_CASE("input of any size goes in while output comes out") {
    const std::string input(3'000'000, 'x');
    const Ran ran = run({{"cat"}, {}, input});
    CHECK(ran.result.exited_with(0));
    CHECK(ran.output == input);
}

TEST_CASE("a program that does not read its input does no harm") {
    const std::string input(1'000'000, 'x');
    CHECK(run({{"true"}, {}, input}).result.exited_with(0));
}

TEST_CASE("a program whose input cannot be written whole is killed, and does nothing with a part") {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    constexpr std::size_t readable_pages = 16;
    constexpr std::size_t pages = 2 * readable_pages;
    void* const memory =
        ::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    // What the system cannot read it refuses to send.
    REQUIRE(::mprotect(static_cast<char*>(memory) + readable_pages * page, readable_pages * page,
                       PROT_NONE) == 0);
    const Ran ran =
        run(shell("cat > /dev/null; echo done", {static_cast<const char*>(memory), pages * page}));
    CHECK(ran.result.end == End::input_failed);
    CHECK(ran.result.code == EFAULT);
    CHECK(ran.output.empty());
    ::munmap(memory, pages * page);
}

TEST_CASE("without input the program reads an end") {
    CHECK(run({{"cat"}, {}, {}}).result.exited_with(0));
}

TEST_CASE("the environment is the inherited one, with what was added and LC_ALL=C") {
    ::setenv("MISTAMOVER_TEST_INHERITED", "yes", 1);  // NOLINT(concurrency-mt-unsafe)
    ::setenv("MISTAMOVER_TEST_REPLACED", "old", 1);   // NOLINT(concurrency-mt-unsafe)
    ChildCommand command =
        shell("echo $MISTAMOVER_TEST_INHERITED $MISTAMOVER_TEST_REPLACED $LC_ALL; env | grep -c _REPLACED=");
    command.environment = {"MISTAMOVER_TEST_REPLACED=new"};
    CHECK(run(command).output == "yes new C\n1\n");
}

TEST_CASE("a program that is not there is told with its errno") {
    const Ran ran = run({{"no-such-program-at-all"}, {}, {}});
    CHECK(ran.result.end == End::not_started);
    CHECK(ran.result.code == ENOENT);
}

TEST_CASE("a program that a signal ended is told so") {
    const Ran ran = run(shell("kill -USR1 $$"));
    CHECK(ran.result.end == End::signalled);
    CHECK(ran.result.code == SIGUSR1);
}

TEST_CASE("only the standard descriptors are inherited, and there is no terminal") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);  // without O_CLOEXEC
    // ls itself opens the directory that it lists.
    CHECK(run({{"ls", "/proc/self/fd"}, {}, {}}).output == "0\n1\n2\n3\n");
    CHECK(run(shell("(exec < /dev/tty) 2> /dev/null && echo terminal; true")).output.empty());
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("what the program leaves behind in its group is killed") {
    const Ran ran = run(shell("sleep 1000 > /dev/null 2>&1 & echo $!"));
    CHECK(ran.result.exited_with(0));
    const auto left = static_cast<pid_t>(std::stol(ran.output));
    CHECK(test::eventually([&] { return !is_there(left); }));
}

TEST_CASE("a cancelled context ends the program, even one that ignores SIGTERM") {
    for (const std::string script :
         {"echo $$; sleep 1000", "trap '' TERM; echo $$; while :; do sleep 1; done"}) {
        TestContext context;
        pid_t pid = 0;
        const ChildResult result = run_child(
            shell(script), context,
            [&](std::string_view piece) {
                pid = static_cast<pid_t>(std::stol(std::string(piece)));
                context.cancel();
            },
            [](std::string_view) {});
        CHECK(result.end == End::cancelled);
        CHECK_FALSE(is_there(pid));
    }
}

TEST_CASE("a cancellation from another thread wakes a run that waits") {
    TestContext context;
    std::atomic<bool> running{false};
    std::thread canceller([&] {
        (void)test::eventually([&] { return running.load(); });
        context.cancel();
    });
    const ChildResult result = run_child(
        shell("echo; sleep 1000"), context, [&](std::string_view) { running = true; },
        [](std::string_view) {});
    canceller.join();
    CHECK(result.end == End::cancelled);
}

TEST_CASE("a program that neither prints nor reads is ended after the stall timeout") {
    TestContext context;
    context.stall_ms = 50;
    CHECK(run(shell("sleep 1000"), context).result.end == End::stalled);
}

TEST_CASE("a program that prints now and then is not stalled, nor one that is said to be alive") {
    TestContext context;
    context.stall_ms = 3000;
    CHECK(run(shell("for i in 1 2 3 4 5 6; do sleep 0.6; echo $i; done"), context).result.exited_with(0));
    int questions = 0;
    const Ran ran = run(shell("sleep 5"), context, [&](int pid) {
        ++questions;
        return is_there(pid);
    });
    CHECK(ran.result.exited_with(0));
    CHECK(questions > 0);
}

TEST_CASE("a handler that throws leaves no program behind") {
    TestContext context;
    pid_t pid = 0;
    const auto on_output = [&](std::string_view piece) {
        pid = static_cast<pid_t>(std::stol(std::string(piece)));
        throw std::runtime_error("no more");
    };
    CHECK_THROWS_AS(run_child(shell("echo $$; sleep 1000"), context, on_output, [](std::string_view) {}),
                    std::runtime_error);
    CHECK_FALSE(is_there(pid));
}

TEST_CASE("a program beside the caller is watched and ended") {
    Child child(shell("echo complaint >&2; exec sleep 1000"));
    std::string errors;
    CHECK(test::eventually([&] {
        errors += child.take_error_output();
        return errors == "complaint\n";
    }));
    CHECK_FALSE(child.ended());
    child.end();
    const auto result = child.ended();
    REQUIRE(result);
    CHECK(result->end == End::signalled);
    CHECK(result->code == SIGTERM);
    CHECK_FALSE(is_there(child.pid()));
}

TEST_CASE("a program beside the caller that ends by itself is told, and cannot be missed") {
    Child child(shell("exit 3"));
    CHECK(test::eventually([&] { return child.ended().has_value(); }));
    CHECK(child.ended()->exited_with(3));
    CHECK_THROWS_AS(Child({{"no-such-program-at-all"}, {}, {}}), std::system_error);
}

TEST_CASE("a program beside the caller goes with its object, and with the thread that made it") {
    pid_t pid = 0;
    {
        const Child child(shell("exec sleep 1000"));
        pid = child.pid();
    }
    CHECK_FALSE(is_there(pid));
    std::unique_ptr<Child> child;
    std::thread([&] { child = std::make_unique<Child>(shell("exec sleep 1000")); }).join();
    CHECK(test::eventually([&] { return child->ended().has_value(); }));
    CHECK(child->ended()->code == SIGKILL);
}

}  // namespace mistamover
