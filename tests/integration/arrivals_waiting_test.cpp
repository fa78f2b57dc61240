// SPDX-License-Identifier: BSD-3-Clause
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "campaign.hpp"
#include "receiver.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void append(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

// Whoever opens the file must wait until this goes, or for the 45 s after which the kernel takes the lease
// away.
class WriteLease {
  public:
    explicit WriteLease(const fs::path& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
        std::signal(SIGIO, SIG_IGN);  // which tells that somebody waits
        REQUIRE(::fcntl(fd_, F_SETLEASE, F_WRLCK) == 0);
    }
    ~WriteLease() { ::close(fd_); }
    WriteLease(const WriteLease&) = delete;
    WriteLease& operator=(const WriteLease&) = delete;

  private:
    int fd_;
};

// The daemon of a user to whom the kernel gives no watches: what it does is seen by no inotify.
bool start_without_inotify(const Site& site) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::unshare(CLONE_NEWUSER) != 0) {
            ::_exit(1);
        }
        write_file("/proc/self/uid_map", "0 0 1");
        write_file("/proc/sys/user/max_inotify_watches", "0");
        ::execl(MISTAMOVER_PROGRAM, MISTAMOVER_PROGRAM, "run", "--daemon", site.config().c_str(), nullptr);
        ::_exit(127);
    }
    int status = 1;
    ::waitpid(pid, &status, 0);
    return status == 0;
}

}  // namespace

TEST_SUITE_BEGIN("arrivals_waiting_campaign");

TEST_CASE("data that is absent or short is waited for as long as it may still come, and no longer") {
    const Receiver receiver("data_grace: 4s");
    const Daemon daemon(receiver.site());
    const std::string sixty(60, 'x');
    const fs::path temporary = receiver.incoming() / ".late.Xq3A7z";
    receiver.announce("absent", "hello");
    receiver.put(receiver.incoming() / "short", "hel");
    receiver.announce("short", "hello");
    receiver.announce("growing", sixty);
    write_file(temporary, "");
    receiver.announce("late", sixty);
    // Longer, in all, than the grace.
    for (std::size_t written = 0; written < sixty.size(); written += 5) {
        std::this_thread::sleep_for(500ms);
        append(receiver.incoming() / "growing", "xxxxx");
        append(temporary, "xxxxx");
        CHECK((written + 5 == sixty.size() || !receiver.is_answered("growing")));
        CHECK_FALSE(receiver.is_answered("late"));
    }
    fs::rename(temporary, receiver.incoming() / "late");
    CHECK_FALSE(receiver.accepted("growing", sixty).empty());
    CHECK_FALSE(receiver.accepted("late", sixty).empty());
    CHECK(receiver.answer("absent", "4\n-1\n").ends_with(".stager-thanks-bss"));
    CHECK(receiver.answer("short", "1\n3\n").ends_with(".stager-thanks-bss"));
    CHECK(receiver.in_incoming().size() == 4);
}

TEST_CASE("a control file that cannot be read may still be arriving, for ten seconds") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    const auto begin = std::chrono::steady_clock::now();
    const std::string text =
        control_text("f", "5", md5_of("hello"), receiver.receipt("f").filename().string());
    write_file(receiver.control("garbage"), "garbage");
    write_file(receiver.control("f"), text.substr(0, 40));
    receiver.put(receiver.incoming() / "f", "hello");
    receiver.send("other", "other");
    CHECK_FALSE(receiver.accepted("other", "other").empty());
    append(receiver.control("f"), text.substr(40));
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    REQUIRE(gone(receiver.control("garbage")));
    CHECK(std::chrono::steady_clock::now() - begin >= 10s);
    CHECK(eventually([&] {
        return receiver.site().log("arrmon_p").find(".garbage.stager-ctrl-bss cannot be read") !=
               std::string::npos;
    }));
}

TEST_CASE("a file whose checksum takes its time keeps no other waiting") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    const fs::path slow = receiver.site().home() / "slow";
    write_file(slow, "slow");
    {
        const WriteLease lease(slow);
        fs::rename(slow, receiver.incoming() / "slow");
        receiver.announce("slow", "slow");
        REQUIRE(gone(receiver.incoming() / "slow"));
        receiver.send("quick", "quick");
        CHECK_FALSE(receiver.accepted("quick", "quick").empty());
        CHECK_FALSE(receiver.is_answered("slow"));
    }
    CHECK_FALSE(receiver.accepted("slow", "slow").empty());
}

TEST_CASE("where the kernel gives no watch, the incoming directory is looked at all the time") {
    if (::geteuid() != 0) {
        MESSAGE("not run: only root may make the name space in which this test forbids watches");
        return;
    }
    const Receiver receiver;
    REQUIRE(start_without_inotify(receiver.site()));
    const fs::path pid_file = receiver.site().home() / "run/mistamover.pid";
    REQUIRE(eventually([&] { return !read_file(pid_file).empty(); }));
    const pid_t controller = std::stoi(read_file(pid_file));
    CHECK(eventually(
        [&] { return receiver.site().log("arrmon_p").find("cannot be watched") != std::string::npos; }));
    receiver.send("f", "hello");
    const std::string thank_you = receiver.accepted("f", "hello");
    receiver.thank(receiver.receipt("f").filename().string(), thank_you);
    CHECK(gone(receiver.receipt("f")));
    CHECK(quickest_answer(receiver) < 1s);
    fs::remove_all(receiver.incoming());
    fs::create_directory(receiver.incoming());
    receiver.send("g", "hello");
    CHECK_FALSE(receiver.accepted("g", "hello").empty());
    ::kill(controller, SIGTERM);
    CHECK(eventually([&] { return processes_of(receiver.site()).empty(); }));
}

TEST_CASE("many files at once are all answered") {
    const int files = is_full_campaign() ? 10'000 : 1'000;
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    const auto name = [](int file) { return "file" + std::to_string(file); };
    for (int file = 0; file < files; ++file) {
        write_file(receiver.incoming() / name(file), name(file));
    }
    for (int file = 0; file < files; ++file) {
        receiver.announce(name(file), name(file));
    }
    int answered = 0;
    CHECK(eventually(
        [&] {
            while (answered < files && receiver.is_answered(name(answered))) {
                ++answered;
            }
            return answered == files;
        },
        300s));
    INFO(answered);
    for (int file = 0; file < files; ++file) {
        REQUIRE(read_file(receiver.delivered(name(file))) == name(file));
    }
    CHECK(receiver.in_incoming().size() == static_cast<std::size_t>(files));
    CHECK(daemon.process("mm:p<") == monitor);
}

TEST_CASE("files that vanish, lead nowhere or have strange names stop nothing") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    for (int i = 0; i < 200; ++i) {
        const std::string name = "gone" + std::to_string(i);
        receiver.send(name, name);
        std::error_code ignored;
        fs::remove(i % 2 == 0 ? receiver.control(name) : receiver.incoming() / name, ignored);
    }
    fs::create_symlink("nowhere", receiver.control("dangling"));
    fs::create_symlink("nowhere", receiver.incoming() / "link");
    receiver.announce("link", "hello");
    fs::create_symlink("nowhere", receiver.thank_you("dangling"));
    const std::string strange = "\xff'\"$(x) *\t\\";
    receiver.send(strange, "hello");
    write_file(receiver.control("new\nline"), "garbage");
    write_file(receiver.incoming() / "also\nnew", "garbage");
    CHECK_FALSE(receiver.accepted(strange, "hello").empty());
    CHECK(receiver.answer("link", "3\n-1\n").ends_with(".stager-thanks-bss"));
    CHECK(gone(receiver.incoming() / "link"));
    CHECK(gone(receiver.control("dangling")));
    CHECK(gone(receiver.thank_you("dangling")));
    CHECK(gone(receiver.control("new\nline")));
    CHECK(read_file(receiver.incoming() / "also\nnew") == "garbage");
    CHECK(daemon.process("mm:p<") == monitor);
}

TEST_SUITE_END();

}  // namespace mistamover::test
