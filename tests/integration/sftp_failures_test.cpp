// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <set>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <unistd.h>
#include <vector>

#include "faulty_site.hpp"
#include "filtered_port.hpp"
#include "servers/slow_proxy.hpp"
#include "sftp_site.hpp"
#include "small_disk.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

void signal_all(const std::vector<pid_t>& processes, int signal) {
    for (const pid_t process : processes) {
        ::kill(process, signal);
    }
}

/// The daemon has met a failure with this code.
bool met(const Site& site, const std::string& code) {
    return eventually([&] { return site.log("dtc_p").find('(' + code + ')') != std::string::npos; });
}

/// A login that permissions bind.
void add_stream_of_mere_user(Site& site, const Sshd& sshd, const std::string& outgoing) {
    const bool is_root = ::geteuid() == 0;
    add_sftp_stream(site, sshd, outgoing, is_root ? "username: nobody" : "");
    if (is_root) {
        fs::permissions(site.targets(), fs::perms(0755));
        fs::permissions(sshd.client_key().parent_path(), fs::perms(0711));  // to its authorized keys
    }
}

bool arrives(const Site& site, const std::string& name, const std::string& content) {
    return eventually([&] { return !fs::exists(site.source() / name); }) &&
           read_file(site.target() / name) == content && !fs::exists(site.source() / "quarantine");
}

}  // namespace

TEST_SUITE_BEGIN("sftp_failures");

TEST_CASE("a port that answers nothing, or a server that says nothing, is a host that does not answer") {
    Site site;
    const Sshd sshd;
    const FilteredPort filtered;
    SlowProxy silent(sshd.port());
    silent.stall(true);
    SUBCASE("filtered") {
        site.add_stream_with(
            "p",
            "plugin: sftp, target_host: 127.0.0.1, retry_count: 0, target_dir: " + site.target().string(),
            "sftp: {connect_timeout: 1s, port: " + std::to_string(filtered.port()) + "}");
    }
    SUBCASE("silent") {
        add_sftp_stream(site, sshd, "retry_count: 0", "connect_timeout: 1s", SlowProxy::address);
    }
    check_sftp_refused(site, "timed_out");
}

TEST_CASE("a changed host key ends the stream before a password is given to the host") {
    Site site;
    Sshd sshd("PasswordAuthentication yes");
    add_sftp_stream(site, sshd, "", "ssh_key: /dev/null, password: my-word");
    fs::permissions(site.home() / "streams.d/p.yaml", fs::perms(0600));
    sshd.change_host_key();
    check_sftp_refused(site, "host_key");
    CHECK(sshd.log().find("password") == std::string::npos);
}

TEST_CASE("a server that hangs in the middle of a file is noticed by the lack of progress") {
    Site site;
    const Sshd sshd;
    SlowProxy proxy(sshd.port());
    add_sftp_stream(site, sshd, "retry_delay: 20ms, stall_timeout: 2s", "", SlowProxy::address);
    const std::string content = megabytes(20);
    proxy.stall_after(12'000'000);  // so that this is in the middle, however late it is seen
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 5'000'000; }));
    SUBCASE("the line is dead") {
        proxy.stall(true);
        CHECK(met(site, "timed_out"));
        proxy.stall(false);
        CHECK(arrives(site, "f", content));
    }
    SUBCASE("its processes are stopped, and go on when another session has sent the file") {
        const std::vector<pid_t> hung = descendants_of(sshd.pid());
        signal_all(hung, SIGSTOP);
        proxy.stall(false);
        CHECK(met(site, "timed_out"));
        CHECK(arrives(site, "f", content));
        signal_all(hung, SIGCONT);
        // They end once they have done what they were asked for.
        CHECK(eventually([&] { return have_ended(hung); }));
        CHECK((read_file(site.target() / "f") == content));
    }
}

TEST_CASE("a slow transfer is never cut while it goes on") {
    Site site;
    const Sshd sshd;
    SlowProxy proxy(sshd.port(), {std::chrono::milliseconds{20}, 150'000});
    add_sftp_stream(site, sshd, "stall_timeout: 5s, retry_count: 0", "", SlowProxy::address);
    const std::string content = megabytes(1);
    write_file(site.source() / "f", content);
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK((read_file(site.target() / "f") == content));
    CHECK(proxy.connections() == 1);
}

TEST_CASE("a server that drops idle connections costs a file nothing") {
    Site site;
    const Sshd sshd;
    SlowProxy proxy(sshd.port());
    add_sftp_stream(site, sshd, "parallel_transfers: 1, retry_delay: 20ms, retry_count: 0", "",
                    SlowProxy::address);
    const Daemon daemon(site);
    CHECK(site.carries("before"));
    // Until then its session is in use, and the next file would get another one.
    REQUIRE(
        eventually([&] { return !fs::exists(site.source() / "before") && site.state_of("p") == "idle"; }));
    proxy.cut();
    CHECK(site.carries("after"));
    CHECK(met(site, "connection_lost"));
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
}

TEST_CASE("a server that was started anew while nothing was sent keeps no temporary directory after a stop") {
    Site site;
    Sshd sshd;
    add_sftp_stream(site, sshd);
    Daemon daemon(site);
    write_file(site.source() / "file", "content");
    REQUIRE_MESSAGE(arrives(site, "file", "content"), sftp_logs(site));
    sshd.kill();
    sshd.start();
    CHECK(daemon.stop());
    CHECK(names_in(site.target()) == std::set<std::string>{"file"});
}

TEST_CASE(
    "a full disk at the server stops the stream from trying file after file, and leaves nothing partial") {
    if (!may_mount()) {
        return;
    }
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "retry_delay: 20ms, retry_count: 1");
    const SmallDisk disk(site.target(), 4);
    write_file(site.target() / "ballast", std::string(3'500'000, 'b'));
    const std::string content = megabytes(1);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    CHECK(met(site, "no_space"));
    CHECK(eventually([&] { return bytes_below(site.target()) == 3'500'000; }));
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
    fs::remove(site.target() / "ballast");
    CHECK(arrives(site, "f", content));
}

TEST_CASE("a directory that the login may not write is refused permission, and every file is kept") {
    Site site;
    const Sshd sshd;
    add_stream_of_mere_user(site, sshd, "retry_delay: 20ms");
    fs::permissions(site.target(), fs::perms(0555));
    check_sftp_refused(site, "permission");
}

TEST_CASE("a target directory that becomes unwritable while a file is sent stops the stream, not the file") {
    Site site;
    const Sshd sshd;
    add_stream_of_mere_user(site, sshd, "retry_delay: 20ms, retry_count: 0, bandwidth_limit: 1MB");
    fs::permissions(site.target(), fs::perms(0777));
    const std::string content = megabytes(3);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 100'000; }));
    fs::permissions(site.target(), fs::perms(0555));
    CHECK(met(site, "permission"));
    fs::permissions(site.target(), fs::perms(0777));
    CHECK_MESSAGE(arrives(site, "f", content), sftp_logs(site));
}

TEST_CASE("a stop in the midst of a long transfer ends it within the grace, and keeps the file") {
    Site site;
    const Sshd sshd;
    SlowProxy proxy(sshd.port(), {std::chrono::milliseconds{0}, 500'000});
    add_sftp_stream(site, sshd, "retry_delay: 20ms", "", SlowProxy::address);
    const std::string content = megabytes(20);
    write_file(site.source() / "f", content);
    {
        Daemon daemon(site);
        REQUIRE(eventually([&] { return bytes_below(site.target()) > 100'000; }));
        CHECK(daemon.stop());
        CHECK(proxy.bytes_up() < 15'000'000);
    }
    CHECK_FALSE(fs::exists(site.target() / "f"));
    CHECK((read_file(site.source() / "f") == content));
    proxy.throttle(0);
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK((read_file(site.target() / "f") == content));
    CHECK(names_in(site.target()) == std::set<std::string>{"f"});
}

TEST_SUITE_END();

}  // namespace mistamover::test
