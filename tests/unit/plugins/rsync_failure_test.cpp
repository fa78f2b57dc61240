// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_failure.hpp"

#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>

namespace mistamover::rsync {
namespace {

Status of_exit(int code, const std::string& errors = "", bool over_ssh = false) {
    return failure_of({{ChildResult::End::exited, code}, errors}, over_ssh);
}

void check(const Status& status, StatusCode code, StatusScope scope) {
    INFO(status.text());
    CHECK(to_string(status.code()) == to_string(code));
    CHECK(to_string(status.scope()) == to_string(scope));
}

}  // namespace

TEST_CASE("every exit code of rsync has its meaning") {
    check(of_exit(1), StatusCode::configuration, StatusScope::stream);
    check(of_exit(2), StatusCode::configuration, StatusScope::stream);
    check(of_exit(3), StatusCode::unreachable, StatusScope::session);
    check(of_exit(4), StatusCode::unsupported, StatusScope::stream);
    check(of_exit(10), StatusCode::unreachable, StatusScope::session);
    check(of_exit(11), StatusCode::local_io, StatusScope::session);
    check(of_exit(12), StatusCode::connection_lost, StatusScope::session);
    check(of_exit(20), StatusCode::connection_lost, StatusScope::session);
    check(of_exit(30), StatusCode::timed_out, StatusScope::session);
    check(of_exit(35), StatusCode::timed_out, StatusScope::session);
    check(of_exit(127), StatusCode::configuration, StatusScope::stream);
    check(of_exit(99), StatusCode::internal, StatusScope::session);
    CHECK(of_exit(12).protocol_code() == 12);
}

TEST_CASE("an rsync whose input failed is this machine's failure, of an unknown outcome") {
    const Status unfed = failure_of({{ChildResult::End::input_failed, ENOBUFS}, ""}, false);
    check(unfed, StatusCode::local_io, StatusScope::session);
    CHECK_FALSE(unfed.outcome_known());
}

TEST_CASE("an option that a server refuses is told from a file whose name says so") {
    const auto is_refused = [](int code, const std::string& errors) {
        return is_refused_an_option({{ChildResult::End::exited, code}, errors});
    };
    const std::string daemon = "rsync: The server is configured to refuse --delete\n";
    const std::string login =
        "/usr/bin/rrsync error: option --delete-during has been disabled on this server.\n";
    CHECK(is_refused(4,
                     daemon + "rsync error: requested action not supported (code 4) at x.c(1) [Receiver]\n"));
    CHECK(
        is_refused(12, login + "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n"));
    CHECK(is_refused(12, "/opt/rrsync: option --remove-source-files has been disabled on this server.\n"));
    for (const int code : {0, 23, 24}) {
        CHECK_FALSE(is_refused(code, daemon + login));
    }
    CHECK_FALSE(is_refused(12, "file has vanished: \"/s/a: option -x has been disabled on this server.\"\n"));
    CHECK_FALSE(
        is_refused(12, "cannot delete non-empty directory: The server is configured to refuse --x\n"));
    CHECK_FALSE(is_refused(12, "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n"));
}

TEST_CASE("a broken connection leaves the outcome open, a refused one does not") {
    CHECK_FALSE(of_exit(12).outcome_known());
    CHECK_FALSE(of_exit(30).outcome_known());
    CHECK(of_exit(10).outcome_known());
    CHECK(of_exit(5, "@ERROR: auth failed on module x").outcome_known());
}

TEST_CASE("a full target is known by the number of its error") {
    const std::string full = "rsync: [receiver] write failed on \"/t/f\": No space left on device (28)\n";
    check(of_exit(11, full), StatusCode::no_space, StatusScope::session);
    check(of_exit(12, full), StatusCode::no_space, StatusScope::session);
    check(of_exit(23, "rsync: [receiver] write failed on \"x\": Disk quota exceeded (122)\n"),
          StatusCode::no_space, StatusScope::session);
    check(of_exit(11, "rsync: [Receiver] mkdir \"/x\" failed: Read-only file system (30)\n"),
          StatusCode::permission, StatusScope::session);
    check(of_exit(11, "could not make way for new regular file: mine (28)\n"), StatusCode::local_io,
          StatusScope::session);
    check(of_exit(11, "rsync: [Receiver] mkdir \"/x\" failed: No such file or directory (2)\n"),
          StatusCode::unreachable, StatusScope::session);
}

TEST_CASE("the daemon's refusals are told apart") {
    check(of_exit(5, "@ERROR: auth failed on module data\n"), StatusCode::authentication,
          StatusScope::stream);
    check(of_exit(5, "@ERROR: Unknown module 'x'\n"), StatusCode::configuration, StatusScope::stream);
    check(of_exit(5, "@ERROR: max connections (1) reached -- try again later\n"), StatusCode::unreachable,
          StatusScope::session);
    check(of_exit(5, "@ERROR: chdir failed\n"), StatusCode::unreachable, StatusScope::session);
    check(of_exit(5, "rsync error: error starting client-server protocol (code 5)\n"),
          StatusCode::unreachable, StatusScope::session);
}

TEST_CASE("ssh's one exit code is told apart by what ssh reports") {
    check(ssh_failure("Host key verification failed.\n", false), StatusCode::host_key, StatusScope::stream);
    check(ssh_failure("@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n", false),
          StatusCode::host_key, StatusScope::stream);
    check(ssh_failure("u@h: Permission denied (publickey).\n", false), StatusCode::authentication,
          StatusScope::stream);
    check(ssh_failure("ssh: connect to host h port 22: Connection refused\n", false), StatusCode::unreachable,
          StatusScope::session);
    check(ssh_failure("", true), StatusCode::connection_lost, StatusScope::session);
    check(of_exit(255, "Host key verification failed.\n", true), StatusCode::host_key, StatusScope::stream);
    check(of_exit(255, "mux_client_request_session: read from master failed: Broken pipe\n", true),
          StatusCode::connection_lost, StatusScope::session);
}

TEST_CASE("ssh was not let in where it says so itself, and not where a file was refused or has such a name") {
    for (const char* refusal :
         {"u@h: Permission denied (publickey,keyboard-interactive).\r\n", "Permission denied (publickey).\n",
          "Received disconnect from ::1 port 22:2: Too many authentication failures\n"}) {
        check(of_exit(255, refusal, true), StatusCode::authentication, StatusScope::stream);
    }
    const std::string broken =
        "rsync: connection unexpectedly closed (87 bytes received so far) [sender]\n"
        "rsync error: unexplained error (code 255) at io.c(231) [sender=3.2.7]\n";
    for (const char* complaint :
         {"rsync: [receiver] mkstemp \"/t/.f.aB3dE6\" failed: Permission denied (13)\n",
          "could not make way for new regular file: Permission denied (publickey).\n",
          "rsync: [receiver] mkstemp \"/t/Too many authentication failures\" failed: Permission denied "
          "(13)\n",
          "could not make way for new regular file: Host key verification failed.\n"}) {
        const Status status = of_exit(255, complaint + broken, true);
        check(status, StatusCode::connection_lost, StatusScope::session);
        CHECK_FALSE(status.outcome_known());
    }
    check(of_exit(255, "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n", true),
          StatusCode::unreachable, StatusScope::session);
}

TEST_CASE("a program that is not there, stalls, is cancelled or killed is told so") {
    using End = ChildResult::End;
    check(failure_of({{End::not_started, ENOENT}, ""}, false), StatusCode::configuration,
          StatusScope::stream);
    check(failure_of({{End::not_started, ENOMEM}, ""}, false), StatusCode::local_io, StatusScope::session);
    check(failure_of({{End::stalled, 0}, ""}, false), StatusCode::timed_out, StatusScope::session);
    check(failure_of({{End::cancelled, 0}, ""}, false), StatusCode::cancelled, StatusScope::item);
    check(failure_of({{End::signalled, SIGKILL}, ""}, false), StatusCode::connection_lost,
          StatusScope::session);
}

TEST_CASE("the reason is the first line that says something") {
    CHECK(reason_in("\n@@@@@@@@@@@\n@    WARNING    @\nwhy\nmore\n") == "why");
    CHECK(reason_in("").empty());
}

}  // namespace mistamover::rsync
