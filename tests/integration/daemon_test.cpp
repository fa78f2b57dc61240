// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <sys/wait.h>
#include <unistd.h>

#include "faulty_site.hpp"
#include "program.hpp"
#include "receiving_site.hpp"
#include "small_disk.hpp"

namespace mistamover::test {
namespace {

// At one blow: a directory that has gone is made again by whoever writes into it.
void replace_by_a_file(const std::filesystem::path& directory) {
    const std::filesystem::path other = directory.string() + "-until-now";
    write_file(other, "no directory");
    REQUIRE(::renameat2(AT_FDCWD, other.c_str(), AT_FDCWD, directory.c_str(), RENAME_EXCHANGE) == 0);
}

// The exit code where a shell has closed this descriptor, and ignores what becomes of its children.
int start_daemon_without(int descriptor, const Site& site) {
    const std::string config = site.config().string();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::signal(SIGCHLD, SIG_IGN);
        ::close(descriptor);
        ::execl(MISTAMOVER_PROGRAM, "mistamover", "run", "--daemon", config.c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The exit code of a program of which nobody reads what it prints; 128 and the signal where one ended it.
int run_unread(const std::vector<std::string>& arguments) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::close(ends[0]);
    std::vector<std::string> texts = arguments;
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::signal(SIGPIPE, SIG_DFL);
        ::dup2(ends[1], 1);
        ::dup2(ends[1], 2);
        ::execv(MISTAMOVER_PROGRAM, pointers.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// As status tells them; -1: no daemon answers.
int restarts_of_first_stream(const Site& site) {
    const std::string json = run_program({"status", "--json", site.config().string()}).output;
    const std::string key = "\"restarts\":";
    const std::size_t found = json.find(key);
    return found == std::string::npos ? -1 : std::stoi(json.substr(found + key.size()));
}

bool stop_daemon_of(const Site& site) {
    return eventually([&] {
        const std::vector<pid_t> left = processes_of(site);
        for (const pid_t pid : left) {
            if (process_name(pid) == "mm:ctl") {
                ::kill(pid, SIGTERM);
            }
        }
        return left.empty();
    });
}

}  // namespace

TEST_SUITE_BEGIN("daemon");

TEST_CASE("after the SIGKILL of any one process the daemon is whole again, and no log record is lost") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    int number = 0;
    for (const char* victim : {"mm:p", "mm:log", "mm:ctl", "mm:log", "mm:ctl"}) {
        REQUIRE(eventually([&] { return daemon.whole(); }));
        REQUIRE(site.carries("before" + std::to_string(number)));
        if (victim != std::string("mm:log")) {
            // Of the transfer process, which is the only one that knows, or has no controller any more.
            const std::string record = "delivered before" + std::to_string(number) + ' ';
            REQUIRE(eventually([&] { return site.log("dtc_p").find(record) != std::string::npos; }));
        }
        const pid_t found = daemon.process(victim);
        REQUIRE(found != 0);
        Daemon::kill(found);
        CHECK_MESSAGE(site.carries("after" + std::to_string(number)), victim);
        CHECK_MESSAGE(eventually([&] { return daemon.whole(); }), daemon.description());
        ++number;
    }
    CHECK(daemon.stop());
    const std::string log = site.log("dtc_p");
    for (int i = 0; i < number; ++i) {
        CHECK(log.find("delivered before" + std::to_string(i) + ' ') != std::string::npos);
        CHECK(log.find("delivered after" + std::to_string(i) + ' ') != std::string::npos);
    }
}

TEST_CASE("a second instance is refused with exit code 3, and told who is there") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    for (const char* how : {"--one-off", "--daemon"}) {
        const ProgramResult second = run_program({"run", how, site.config().string()});
        CHECK(second.exit_code == 3);
        CHECK_MESSAGE(second.output == "mistamover: mistamover is already running with run_dir " +
                                           (site.home() / "run").string() + " (process " +
                                           std::to_string(daemon.controller()) + ")\n",
                      second.output);
    }
    CHECK(eventually([&] { return daemon.whole(); }));
}

TEST_CASE("a clean stop ends every process and removes what shows that it runs") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    REQUIRE(site.carries("f"));
    CHECK(daemon.stop());
    CHECK_FALSE(std::filesystem::exists(site.home() / "run/mistamover.pid"));
    const ProgramResult status = run_program({"status", site.config().string()});
    CHECK(status.exit_code == 1);
    CHECK(status.output.find("no mistamover daemon answers") != std::string::npos);
}

TEST_CASE("status tells a suspended stream and why, and a stop file is noticed when it comes and goes") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    write_file(site.source() / ".stop", "");
    write_file(site.source() / "f", "f");
    CHECK(eventually([&] { return site.state_of("p") == "suspended"; }));
    CHECK(std::filesystem::exists(site.source() / "f"));
    const ProgramResult table = run_program({"status", site.config().string()});
    CHECK(table.output.find("a .stop file in the stream's directory") != std::string::npos);
    std::filesystem::remove(site.source() / ".stop");
    CHECK(eventually([&] { return read_file(site.target() / "f") == "f"; }));
}

TEST_CASE("status tells a suspended stream that has nothing to send") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    write_file(site.source() / ".stop", "");
    CHECK(eventually([&] { return site.state_of("p") == "suspended"; }));
    std::filesystem::remove(site.source() / ".stop");
    CHECK(eventually([&] { return site.state_of("p") == "idle"; }));
}

TEST_CASE("a detached daemon keeps nothing of what it was started with") {
    Site site;
    site.add_stream("p");
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const std::string config = site.config().string();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(ends[1], 1);
        ::dup2(ends[1], 2);
        ::dup2(ends[1], 42);
        ::execl(MISTAMOVER_PROGRAM, "mistamover", "run", "--daemon", config.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    char byte = 0;
    CHECK(::read(ends[0], &byte, 1) == 0);  // to its end, which comes once nobody can write
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
    CHECK(run_program({"status", config}).exit_code == 0);
    for (const pid_t process : processes_of(site)) {
        const std::filesystem::path directory = "/proc/" + std::to_string(process) + "/cwd";
        CHECK_MESSAGE(std::filesystem::read_symlink(directory).string() == "/", process_name(process));
    }
    const std::filesystem::path pid_file = site.home() / "run/mistamover.pid";
    ::kill(static_cast<pid_t>(std::stol(read_file(pid_file))), SIGTERM);
    CHECK(eventually([&] { return !std::filesystem::exists(pid_file); }));
}

TEST_CASE("a daemon starts whatever is closed or ignored where it is started") {
    for (const int closed : {0, 1, 2}) {
        INFO("descriptor ", closed);
        Site site;
        site.add_stream("p");
        CHECK(start_daemon_without(closed, site) == 0);
        CHECK(site.carries("f"));
        CHECK(stop_daemon_of(site));
    }
}

TEST_CASE("what is moved does not depend on anybody who reads what is printed") {
    Site site;
    site.add_stream("p");
    write_file(site.home() / "streams.d/ignored.yml", "");  // is told before anything is moved
    write_file(site.source() / "f", "f");
    CHECK(run_unread({"mistamover", "run", site.config().string()}) == 0);
    CHECK(read_file(site.target() / "f") == "f");
}

TEST_CASE("a daemon that cannot start says so, with exit code 3, and leaves nothing running") {
    Site site;
    site.add_stream("p");
    std::filesystem::create_directories(site.home() / "run/mistamover.pid");
    const ProgramResult result = run_program({"run", "--daemon", site.config().string()});
    CHECK(result.exit_code == 3);
    CHECK_MESSAGE(result.output.find("cannot be used: Is a directory") != std::string::npos, result.output);
    CHECK(eventually([&] { return processes_of(site).empty(); }));
}

TEST_CASE("a full disk below run_dir keeps no stream from being moved") {
    if (!may_mount()) {
        MESSAGE("not tried: only root may mount");
        return;
    }
    Site site;
    site.add_stream("p");
    std::filesystem::create_directories(site.home() / "run");
    const SmallDisk disk(site.home() / "run", 1);
    disk.leave_free(0);
    Daemon daemon(site);
    CHECK(site.carries("f"));
    CHECK(eventually([&] {
        return site.log("mistamover_ctl")
                   .find("mistamover.pid cannot be written: No space left on device; it is tried again") !=
               std::string::npos;
    }));
    CHECK(stop_daemon_of(site));
}

TEST_CASE("a stream whose process cannot be started says why, once in the log, and goes on when it can") {
    Site site;
    site.add_stream("p");
    const std::filesystem::path work = site.home() / "run/work/p";
    write_file(work, "no directory");
    const Daemon daemon(site);
    const auto status = [&] { return run_program({"status", site.config().string()}).output; };
    CHECK(eventually([&] { return status().find("cannot be started: ") != std::string::npos; }));
    CHECK(eventually([&] { return restarts_of_first_stream(site) >= 3; }));
    CHECK(count_of("the process of stream p cannot be started", site.log("mistamover_ctl")) == 1);
    std::filesystem::remove(work);
    CHECK(site.carries("f"));
    CHECK(eventually([&] { return status().find("cannot be started: ") == std::string::npos; }));
}

TEST_CASE("one pass ends though a stream's process cannot be started, and tells which stream") {
    Site site;
    site.add_stream("p");
    site.add_stream("q");
    write_file(site.source("q") / "f", "f");
    write_file(site.home() / "run/work/p", "no directory");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("p: left " + site.source().string() +
                                     ": the process of stream p cannot "
                                     "be started: ") != std::string::npos,
                  result.output);
    CHECK(read_file(site.target("q") / "f") == "f");
}

TEST_CASE(
    "a clean stop by a signal ends with 128 and the signal, and the last record is in the log by then") {
    for (const int signal : {SIGTERM, SIGINT}) {
        Site site;
        site.add_stream("p");
        RunningProgram daemon({"run", "--daemon", "--foreground", site.config().string()});
        REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
        ::kill(daemon.pid(), signal);
        CHECK(daemon.wait().exit_code == 128 + signal);
        CHECK(site.log("mistamover_ctl").ends_with("ended\n"));
    }
}

TEST_CASE("a controller that cannot be brought back says why in the log, and comes when it can") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    REQUIRE(eventually([&] { return daemon.whole(); }));
    const std::string good = read_file(site.config());
    write_file(site.config(), "global: [\n");
    Daemon::kill(daemon.controller());
    CHECK(eventually([&] {
        const std::string log = site.log("mistamover_ctl");
        return log.find("started again ended with exit code 2: mistamover: " + site.config().string() +
                        ":") != std::string::npos;
    }));
    write_file(site.config(), good);
    CHECK_MESSAGE(eventually([&] { return daemon.whole(); }), daemon.description());
    CHECK(site.carries("f"));
}

TEST_CASE("SIGUSR1 stops one stream, whichever process dies meanwhile, until SIGHUP") {
    Site site;
    site.add_stream("p");
    site.add_stream("q");
    Daemon daemon(site);
    REQUIRE(eventually([&] { return daemon.whole(2) && site.state_of("p") == "idle"; }));
    ::kill(daemon.process("mm:p"), SIGUSR1);
    REQUIRE(eventually([&] { return site.state_of("p") == "stopped"; }));
    write_file(site.source() / "waits", "x");
    CHECK(site.carries("f", "q"));
    for (const char* victim : {"mm:p", "mm:ctl"}) {
        Daemon::kill(daemon.process(victim));
        REQUIRE(eventually([&] { return daemon.whole(2) && site.state_of("p") == "stopped"; }));
    }
    const ProgramResult table = run_program({"status", site.config().string()});
    CHECK_MESSAGE(table.output.find("stopped by a signal") != std::string::npos, table.output);
    CHECK(std::filesystem::exists(site.source() / "waits"));
    ::kill(daemon.controller(), SIGHUP);
    CHECK(eventually([&] { return std::filesystem::exists(site.target() / "waits"); }));
}

TEST_CASE("SIGUSR1 lets the unit in hand arrive, and no other") {
    Site site("/dev/shm");
    site.add_stream("p", "bandwidth_limit: 1MB, parallel_transfers: 1");
    const std::string content = megabytes(3);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "transferring"; }));
    ::kill(daemon.process("mm:p"), SIGUSR1);
    REQUIRE(eventually([&] { return site.state_of("p") == "stopped"; }));
    write_file(site.source() / "later", "later");
    CHECK(eventually([&] { return !std::filesystem::exists(site.source() / "f"); }));
    CHECK((read_file(site.target() / "f") == content));
    CHECK(eventually([&] {
        return site.log("dtc_p").find("delivered f ") != std::string::npos && site.state_of("p") == "stopped";
    }));
    CHECK(std::filesystem::exists(site.source() / "later"));
}

TEST_CASE("status tells that the log cannot be written, as long as it cannot, and no record is lost") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    const std::filesystem::path log = site.home() / "log";
    replace_by_a_file(log);
    ::kill(daemon.controller(), SIGHUP);  // opens the log files again
    const auto status = [&] { return run_program({"status", site.config().string()}).output; };
    CHECK(site.carries("g"));
    CHECK(eventually(
        [&] { return status().find("could not be written (Not a directory)") != std::string::npos; }));
    std::filesystem::remove(log);
    CHECK(eventually([&] { return status().find("could not be written") == std::string::npos; }));
    CHECK(eventually([&] { return site.log("dtc_p").find("delivered g ") != std::string::npos; }));
    CHECK(eventually(
        [&] { return site.log("mistamover_ctl").find("no record was lost") != std::string::npos; }));
}

TEST_CASE("a controller that is brought back starts its streams where the log cannot be written") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    REQUIRE(site.carries("f"));
    REQUIRE(eventually([&] { return daemon.whole(); }));
    const std::filesystem::path log = site.home() / "log";
    replace_by_a_file(log);
    Daemon::kill(daemon.controller());
    CHECK(site.carries("g"));
    std::filesystem::remove(log);
    CHECK_MESSAGE(eventually([&] { return daemon.whole(); }), daemon.description());
}

TEST_CASE("SIGHUP starts a stream again that has failed") {
    FaultySite site;
    site.add_faulty_stream();
    site.set_faults("put * fail authentication stream\n");
    write_file(site.source() / "f", "f");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "failed"; }));
    site.mend();
    ::kill(daemon.controller(), SIGHUP);
    CHECK(eventually([&] { return read_file(site.target() / "f") == "f"; }));
}

TEST_CASE("an arrivals monitor that cannot start is tried again, by itself or by SIGHUP") {
    for (const std::string interval : {"200ms", "1h"}) {
        INFO("general_poll_interval: ", interval);
        ReceivingSite site;
        site.add_receiver();
        write_file(site.config(),
                   "global: {top: " + site.home().string() + ", general_poll_interval: " + interval + "}\n");
        std::filesystem::remove(site.incoming());
        write_file(site.incoming(), "no directory");
        const Daemon daemon(site);
        REQUIRE(eventually([&] {
            return run_program({"status", site.config().string()})
                       .output.find("Not a directory; it is tried again every ") != std::string::npos;
        }));
        std::filesystem::remove(site.incoming());
        if (interval == "1h") {
            ::kill(daemon.controller(), SIGHUP);
        }
        CHECK(eventually([&] { return std::filesystem::is_directory(site.incoming()); }));
    }
}

TEST_CASE("a process whose module hangs ends after the grace of a signal, or when its controller has gone") {
    for (const char* victim : {"mm:p", "mm:ctl"}) {
        CAPTURE(victim);
        FaultySite site;
        write_file(site.config(), "global: {top: " + site.home().string() + ", shutdown_grace: 1s}\n");
        site.add_faulty_stream();
        site.set_faults("put f stick\n");
        write_file(site.source() / "f", "f");
        const Daemon daemon(site);
        REQUIRE(eventually([&] { return site.uses() == 1; }));
        const pid_t process = daemon.process(victim);
        REQUIRE(process != 0);
        site.mend();
        ::kill(process, victim == std::string("mm:p") ? SIGTERM : SIGKILL);
        CHECK(eventually([&] { return read_file(site.target() / "f") == "f"; }));
        CHECK(eventually(
            [&] { return site.log("dtc_p").find("the process ends without it") != std::string::npos; }));
    }
}

TEST_CASE("a source directory that is not there yet is looked at until it is, but by one pass only once") {
    Site site;
    site.add_stream("p", "transfer_mode: mirror");
    std::filesystem::remove(site.source());
    CHECK(site.one_off().exit_code == 1);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "failed"; }));
    const pid_t process = daemon.process("mm:p");
    write_file(site.home() / "disk/f", "f");
    std::filesystem::rename(site.home() / "disk", site.source());
    CHECK(eventually([&] { return read_file(site.target() / "f") == "f"; }));
    CHECK(daemon.process("mm:p") == process);
    CHECK(eventually([&] { return site.state_of("p") == "idle"; }));
    std::string log;
    CHECK(eventually([&] {
        log = site.log("dtc_p");
        return log.find("nothing keeps it from starting any more") != std::string::npos;
    }));
    const std::size_t told = log.find("No such file or directory; it is tried again every 200ms");
    CHECK_MESSAGE(told != std::string::npos, log);
    CHECK_MESSAGE(log.find("CRITICAL", told) == std::string::npos, log);
}

TEST_SUITE_END();

}  // namespace mistamover::test
