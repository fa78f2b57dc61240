// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill

#include "faulty_site.hpp"
#include "filtered_port.hpp"
#include "ftp_site.hpp"
#include "servers/proftpd.hpp"
#include "servers/pure_ftpd.hpp"
#include "servers/vsftpd.hpp"
#include "small_disk.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using Tls = FtpServer::Tls;

/// The daemon has met a failure with this code.
bool ftp_met(const Site& site, const std::string& code) {
    return eventually([&] { return site.log("dtc_p").find('(' + code + ')') != std::string::npos; });
}

void check_refuses_certificate(const Certificate& certificate, const std::string& reason) {
    Site site;
    const Vsftpd server(Tls::on_request, "", certificate);
    add_ftp_stream(site, server);
    check_kept_by_ftp(site, "(host_key)");
    CHECK(site.log("dtc_p").find(reason) != std::string::npos);
    // Nothing is said to such a server, least of all the password.
    CHECK(server.times_told("AUTH") > 0);
    CHECK(server.times_told("USER") == 0);
}

}  // namespace

TEST_SUITE_BEGIN("ftp_failures");

TEST_CASE("a stop file that may not be looked at is not taken for absent") {
    Site site;
    const Vsftpd server(Tls::none, "deny_file={.stop,*/.stop}\n");
    add_ftp_stream(site, server);
    write_file(site.target() / ".stop", "");
    check_kept_by_ftp(site, "cannot be told whether the target has a stop file");
    fs::remove(site.target() / ".stop");
    // The server still refuses to tell of it, but it is in no listing any more.
    check_delivers_all(site);
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a wrong password is a failed authentication, and every file is kept") {
    const auto check = [](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server, {.options = "password: wrong"});
        check_kept_by_ftp(site, "(authentication)");
        CHECK(count_of("CRITICAL", site.log("dtc_p")) == 1);
    };
    const Scratch scratch;
    write_file(scratch / "passwords", "another\n");
    check(Vsftpd(Tls::none, "secure_email_list_enable=YES\nemail_password_file=" +
                                (scratch / "passwords").string() + "\n"));
    check(Proftpd());
    check(PureFtpd());
}

TEST_CASE("a server that is full at the first login is tried again until it lets the stream in") {
    const auto check = [](const FtpServer& server) {
        Site first;
        add_ftp_stream(first, server, {.outgoing = "parallel_transfers: 1"});
        Daemon in_place(first);
        REQUIRE_MESSAGE(first.carries("f"), ftp_logs(first));
        // It stays logged in.
        Site second;
        add_ftp_stream(second, server, {.outgoing = "retry_count: 0, retry_delay: 50ms"});
        write_file(second.source() / "f", "x");
        const Daemon daemon(second);
        CHECK_MESSAGE(ftp_met(second, "unreachable"), ftp_logs(second));
        CHECK(eventually([&] { return second.state_of("p") == "backing-off"; }));
        CHECK(in_place.stop());
        CHECK_MESSAGE(eventually([&] { return !fs::exists(second.source() / "f"); }), ftp_logs(second));
        CHECK(read_file(second.target() / "f") == "x");
        CHECK(second.log("dtc_p").find("CRITICAL") == std::string::npos);
    };
    check(Vsftpd(Tls::none, "max_clients=1\n"));
    check(Proftpd(Tls::none, "MaxClients 1\n"));
    check(PureFtpd(Tls::none, {"-c", "1"}));
}

TEST_CASE("a certificate of an unknown authority, of another host or of the past is refused") {
    SUBCASE("expired") {
        check_refuses_certificate({.expired = true}, "expired");
    }
    SUBCASE("of another host") {
        check_refuses_certificate({.subject = "DNS:other.example.org,IP:192.0.2.1"}, "IP address mismatch");
    }
    SUBCASE("of an unknown authority") {
        Site site;
        const Vsftpd server(Tls::on_request);
        write_certificate(Certificate(), site.home() / "stranger.pem");
        add_ftp_stream(site, server, {.options = "ca_file: " + (site.home() / "stranger.pem").string()});
        check_kept_by_ftp(site, "(host_key)");
    }
    SUBCASE("but not where the operator does without") {
        Site site;
        const Vsftpd server(Tls::on_request, "", {.expired = true});
        add_ftp_stream(site, server, {.options = "verify_peer: false"});
        write_file(site.source() / "f", "x");
        check_delivers_all(site);
        CHECK(read_file(site.target() / "f") == "x");
    }
}

TEST_CASE("a server without TLS gets no password where TLS is wanted") {
    Site site;
    const Vsftpd server;
    add_ftp_stream(site, server, {.options = "tls: explicit"});
    check_kept_by_ftp(site, "(configuration)");
    CHECK(server.times_told("AUTH") > 0);
    CHECK(server.times_told("USER") == 0);
}

TEST_CASE("a port that nobody listens on is unreachable, and every file is kept") {
    Site site;
    Vsftpd server;
    server.kill();
    add_ftp_stream(site, server);
    check_kept_by_ftp(site, "(unreachable)");
}

TEST_CASE("a port that answers nothing is unreachable, and every file is kept") {
    Site site;
    const FilteredPort filtered;
    site.add_stream_with(
        "p", "plugin: ftp, target_host: 127.0.0.1, retry_count: 0, target_dir: " + site.target().string(),
        "ftp: {connect_timeout: 1s, port: " + std::to_string(filtered.port()) + "}");
    check_kept_by_ftp(site, "(unreachable)");
}

TEST_CASE("a connection that is cut in the middle is made again, and the file arrives whole") {
    Site site;
    Vsftpd server;
    add_ftp_stream(site, server, {.outgoing = "retry_count: 1, retry_delay: 50ms, bandwidth_limit: 4MB"});
    const std::string content = megabytes(20);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 1'000'000; }));
    server.kill();
    CHECK_FALSE(fs::exists(site.target() / "f"));
    CHECK((read_file(site.source() / "f") == content));
    server.start();
    CHECK(eventually([&] { return !fs::exists(site.source() / "f"); }));
    CHECK((read_file(site.target() / "f") == content));
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
}

TEST_CASE("a server that hangs in the middle of a file is noticed by the lack of progress") {
    Site site;
    const Vsftpd server;
    add_ftp_stream(site, server, {.outgoing = "retry_delay: 50ms, bandwidth_limit: 2MB, stall_timeout: 2s"});
    const std::string content = megabytes(10);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 1'000'000; }));
    const std::vector<pid_t> hung = descendants_of(server.pid());
    for (const pid_t pid : hung) {
        ::kill(pid, SIGSTOP);
    }
    CHECK(ftp_met(site, "timed_out"));
    CHECK(eventually([&] { return !fs::exists(site.source() / "f"); }));
    // They go on when another session has sent the file.
    for (const pid_t pid : hung) {
        ::kill(pid, SIGCONT);
    }
    CHECK(eventually([&] { return have_ended(hung); }));
    CHECK((read_file(site.target() / "f") == content));
}

TEST_CASE("a transfer that is slow but goes on is never cut") {
    Site site;
    const Vsftpd server(Tls::none, "idle_session_timeout=3\n");
    add_ftp_stream(site, server, {.outgoing = "retry_count: 0, bandwidth_limit: 1MB, stall_timeout: 3s"});
    write_file(site.source() / "f", std::string(8'000'000, 's'));
    check_delivers_all(site);
    CHECK(fs::file_size(site.target() / "f") == 8'000'000);
    CHECK(server.times_told("STOR") > 0);
    CHECK(server.times_told("STOR") <= 4);
}

TEST_CASE("a server that ends idle connections costs no file a try, and no operator a word") {
    const auto check = [](const FtpServer& server, const auto& make_it_end_them) {
        Site site;
        add_ftp_stream(site, server, {.outgoing = "retry_count: 0"});
        const Daemon daemon(site);
        CHECK(site.carries("before"));
        REQUIRE(eventually([&] { return names_in(site.source()).count("before") == 0; }));
        const std::vector<pid_t> connections = descendants_of(server.pid());
        make_it_end_them(connections);
        REQUIRE(eventually([&] { return have_ended(connections) && descendants_of(server.pid()).empty(); }));
        CHECK(site.carries("after"));
        CHECK(eventually([&] { return names_in(site.source()).count("after") == 0; }));
        CHECK_FALSE(fs::exists(site.source() / "quarantine"));
        for (const char* level : {"WARNING", "ERROR", "CRITICAL"}) {
            CHECK_MESSAGE(ftp_logs(site).find(level) == std::string::npos, ftp_logs(site));
        }
    };
    const auto by_itself = [](const std::vector<pid_t>&) {};
    for (const Tls tls : {Tls::none, Tls::on_request}) {
        CAPTURE(static_cast<int>(tls));
        check(Vsftpd(tls, "idle_session_timeout=5\n"), by_itself);
        check(Proftpd(tls, "TimeoutIdle 5\n"), by_itself);
        // Its limit is a minute at least.
        check(PureFtpd(tls), [](const std::vector<pid_t>& connections) {
            for (const pid_t pid : connections) {
                ::kill(pid, SIGKILL);
            }
        });
    }
}

TEST_CASE("a directory in which nothing may be stored is refused permission, and every file is kept") {
    Site site;
    const PureFtpd server;
    add_ftp_stream(site, server, {.outgoing = "retry_count: 0"});
    fs::permissions(site.target(), fs::perms(0555));
    check_kept_by_ftp(site, "(permission)");
    fs::permissions(site.target(), fs::perms(0777));
    check_delivers_all(site);
}

TEST_CASE("a target directory that is not there keeps every file") {
    Site site;
    const Vsftpd server;
    add_ftp_stream(site, server, {.outgoing = "retry_count: 0"});
    fs::remove(site.target());
    check_kept_by_ftp(site, "enter the target directory");
}

TEST_CASE("a full disk at the server is told as such, costs no try, and nothing partial is left") {
    if (!may_mount()) {
        return;
    }
    const auto check = [](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server, {.outgoing = "retry_delay: 20ms, retry_count: 1"});
        const SmallDisk disk(site.target(), 4);
        write_file(site.target() / "ballast", std::string(3'500'000, 'b'));
        const std::string content = megabytes(1);
        write_file(site.source() / "f", content);
        const Daemon daemon(site);
        CHECK_MESSAGE(ftp_met(site, "no_space"), ftp_logs(site));
        CHECK(eventually([&] { return bytes_below(site.target()) == 3'500'000; }));
        CHECK_FALSE(fs::exists(site.source() / "quarantine"));
        fs::remove(site.target() / "ballast");
        CHECK(eventually([&] { return !fs::exists(site.source() / "f"); }));
        CHECK((read_file(site.target() / "f") == content));
        CHECK_FALSE(fs::exists(site.source() / "quarantine"));
    };
    check(Vsftpd());
    check(Proftpd());
    check(PureFtpd());
}

TEST_CASE("a quota that is used up is a full disk") {
    Site site;
    const ProftpdQuota quota(1'000'000);
    const Proftpd server(Tls::none, quota.configuration());
    add_ftp_stream(site, server, {.outgoing = "retry_delay: 20ms, retry_count: 1"});
    const std::string content = megabytes(3);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    CHECK_MESSAGE(ftp_met(site, "no_space"), ftp_logs(site));
    CHECK(eventually([&] { return bytes_below(site.target()) == 0; }));
    quota.change(100'000'000);
    CHECK_MESSAGE(eventually([&] { return !fs::exists(site.source() / "f"); }), ftp_logs(site));
    CHECK((read_file(site.target() / "f") == content));
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
}

TEST_CASE("a server that changes a name is not given the file, and another's name is not taken by it") {
    const PureFtpd server;
    Site site;
    add_ftp_stream(site, server, {.outgoing = "retry_count: 0"});
    write_file(site.source() / "a_b", "the underscore's own");
    check_delivers_all(site);
    const std::set<std::string> odd{"a\tb", "red\033[31m", " blanks "};
    for (const std::string& name : odd) {
        write_file(site.source() / name, "of " + name);
    }
    write_file(site.source() / "tree/c\td", "deep");
    write_file(site.source() / "plain", "plain");
    CHECK(site.one_off().exit_code != 0);
    CHECK_MESSAGE(names_in(site.target()) == (std::set<std::string>{"a_b", "plain"}), ftp_logs(site));
    CHECK(read_file(site.target() / "a_b") == "the underscore's own");
    for (const std::string& name : odd) {
        CHECK_MESSAGE(read_file(site.source() / "quarantine" / name) == "of " + name, ftp_logs(site));
    }
    CHECK(read_file(site.source() / "quarantine/tree/c\td") == "deep");
    CHECK(count_of("the server changes the name", site.log("dtc_p")) >= 4);
}

TEST_CASE("a server that lets in two connections is used by two, and that is said once") {
    const auto check = [](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server, {.outgoing = "parallel_transfers: 6, retry_count: 0"});
        for (int number = 0; number < 60; ++number) {
            write_file(site.source() / std::to_string(number), std::to_string(number));
        }
        check_delivers_all(site);
        for (int number = 0; number < 60; ++number) {
            CHECK(read_file(site.target() / std::to_string(number)) == std::to_string(number));
        }
        CHECK_MESSAGE(count_of("lets in fewer than", site.log("dtc_p")) == 1, ftp_logs(site));
    };
    check(Vsftpd(Tls::none, "max_per_ip=2\n"));
    check(Proftpd(Tls::none, "MaxClientsPerHost 2\n"));
    check(PureFtpd(Tls::none, {"-C", "2"}));
}

TEST_CASE("a stop in the midst of a long transfer ends it within the grace, and keeps the file") {
    Site site;
    const Vsftpd server;
    add_ftp_stream(site, server, {.outgoing = "bandwidth_limit: 1MB"});
    const std::string content = megabytes(60);
    write_file(site.source() / "f", content);
    Daemon daemon(site);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 100'000; }));
    CHECK(daemon.stop());
    CHECK_FALSE(fs::exists(site.target() / "f"));
    CHECK((read_file(site.source() / "f") == content));
}

TEST_CASE("a mirror deletes nothing where a directory of the target may not be listed") {
    Site site;
    const Vsftpd server(Tls::none, "deny_file={closed,*/closed}\n");
    add_ftp_stream(site, server, {.outgoing = "transfer_mode: mirror"});
    write_file(site.source() / "f", "x");
    write_file(site.target() / "closed/inner", "inner");
    write_file(site.target() / "vanished", "v");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code != 0, result.output);
    CHECK(read_file(site.target() / "closed/inner") == "inner");
    CHECK(read_file(site.target() / "vanished") == "v");
    CHECK(read_file(site.source() / "f") == "x");
}

TEST_CASE("a mirror at a server that shows links as directories deletes nothing behind one") {
    Site site;
    const Proftpd server(Tls::none, "ShowSymlinks off\n");
    add_ftp_stream(site, server, {.outgoing = "transfer_mode: mirror"});
    const Scratch elsewhere;
    write_file(elsewhere / "archive/a", "a");
    write_file(elsewhere / "archive/below/b", "b");
    write_file(site.source() / "f", "f");
    fs::create_directory_symlink(elsewhere / "archive", site.target() / "latest");
    check_delivers_all(site);
    CHECK_MESSAGE(read_file(elsewhere / "archive/a") == "a", server.log());
    CHECK(read_file(elsewhere / "archive/below/b") == "b");
    CHECK_MESSAGE(names_in(site.target()) == std::set<std::string>{"f"}, server.log());
}

TEST_SUITE_END();

}  // namespace mistamover::test
