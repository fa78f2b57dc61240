// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "breaking_site.hpp"
#include "faulty_site.hpp"
#include "sftp_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

}  // namespace

TEST_SUITE_BEGIN("sftp_proftpd");

TEST_CASE("ProFTPD gets files and trees, and proves them by its own checksums") {
    Site site;
    const ProftpdSftp server;
    add_sftp_stream(site, server, "verify: checksum, checksum: sha256");
    const std::string large = megabytes(3);
    write_file(site.source() / "plain", "x");
    write_file(site.source() / "empty", "");
    write_file(site.source() / " odd\nname'", "odd");
    write_file(site.source() / "large", large);
    write_file(site.source() / "tree/a/b", "deep");
    fs::permissions(site.source() / "plain", fs::perms(0640));
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(names_in(site.target()) == std::set<std::string>{"plain", "empty", " odd\nname'", "large", "tree"});
    CHECK(fs::status(site.target() / "plain").permissions() == fs::perms(0640));
    CHECK((read_file(site.target() / "large") == large));
    CHECK(read_file(site.target() / "tree/a/b") == "deep");
    CHECK(names_in(site.source()).empty());
    // One of that name is replaced.
    write_file(site.source() / "plain", "another");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "plain") == "another");
}

TEST_CASE("ProFTPD's directory is mirrored") {
    Site site;
    const ProftpdSftp server;
    add_sftp_stream(site, server, "transfer_mode: mirror");
    write_file(site.source() / "a", "a");
    write_file(site.source() / "d/e/f", "f");
    write_file(site.target() / "vanished/g", "g");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(names_in(site.target()) == std::set<std::string>{"a", "d"});
    CHECK(read_file(site.target() / "d/e/f") == "f");
}

TEST_CASE("ProFTPD refuses a wrong password, and takes the right one") {
    Site site;
    const ProftpdSftp server;
    const auto set_password = [&](const std::string& password) {
        add_sftp_stream(site, server, "", "ssh_key: /dev/null, password: " + password);
    };
    set_password("not-" + ProftpdSftp::password());
    check_sftp_refused(site, "authentication");
    set_password(ProftpdSftp::password());
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
}

TEST_CASE("a server that takes two connections gets everything by those two, and the stream says so") {
    Site site;
    const ProftpdSftp server("MaxInstances 3\nMaxClients 2\n");
    add_sftp_stream(site, server, "parallel_transfers: 4, retry_count: 0");
    for (int number = 0; number < 40; ++number) {
        write_file(site.source() / std::to_string(number), "x");
    }
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(names_in(site.target()).size() == 40);
    CHECK_MESSAGE(site.log("dtc_p").find("the target lets in fewer than 4 sessions") != std::string::npos,
                  sftp_logs(site));
    CHECK_MESSAGE(count_of("] ERROR ", site.log("dtc_p")) == 0, sftp_logs(site));
}

TEST_CASE("ProFTPD's quota that is used up is a full disk") {
    Site site;
    const ProftpdQuota quota(1'000'000);
    const ProftpdSftp server(quota.configuration());
    add_sftp_stream(site, server, "retry_delay: 20ms, retry_count: 1");
    const std::string content = megabytes(3);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    CHECK_MESSAGE(eventually([&] { return site.log("dtc_p").find("(no_space)") != std::string::npos; }),
                  sftp_logs(site));
    CHECK(eventually([&] { return bytes_below(site.target()) == 0; }));
    quota.change(100'000'000);
    CHECK_MESSAGE(eventually([&] { return !fs::exists(site.source() / "f"); }), sftp_logs(site));
    CHECK((read_file(site.target() / "f") == content));
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
}

TEST_CASE("a large file to ProFTPD goes on where its connection was cut") {
    const ProftpdSftp server;
    BreakingSite site("sftp", server.port());
    add_sftp_stream(site, server, "retry_delay: 20ms", "", SlowProxy::address);
    const Daemon daemon(site);
    const std::string content = megabytes(40);
    site.send_and_cut(content, 15 * megabyte, 1);
    site.check_arrives(content);
    CHECK_MESSAGE(eventually([&] { return site.times_gone_on() == 1; }), site.logs());
}

TEST_SUITE_END();

}  // namespace mistamover::test
