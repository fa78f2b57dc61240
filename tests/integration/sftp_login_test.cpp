// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <optional>
#include <set>
#include <string>

#include "faulty_site.hpp"
#include "servers/slow_proxy.hpp"
#include "sftp_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

}  // namespace

TEST_SUITE_BEGIN("sftp_login");

TEST_CASE("a key that the server does not know is a failed authentication") {
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "", "ssh_key: " + sshd.stranger_key().string());
    check_sftp_refused(site, "authentication");
}

TEST_CASE("a wrong password is a failed authentication, and the password is nowhere to be read") {
    Site site;
    const Sshd sshd("PasswordAuthentication yes");
    add_sftp_stream(site, sshd, "", "ssh_key: /dev/null, password: not-the-password");
    fs::permissions(site.home() / "streams.d/p.yaml", fs::perms(0600));
    check_sftp_refused(site, "authentication");
    CHECK(sftp_logs(site).find("not-the-password") == std::string::npos);
    for (const auto& entry : fs::recursive_directory_iterator(site.home())) {
        const bool names_it = entry.is_regular_file() && entry.path().extension() != ".yaml" &&
                              read_file(entry.path()).find("not-the-password") != std::string::npos;
        CHECK_MESSAGE(!names_it, entry.path().string());
    }
}

TEST_CASE("a key with a passphrase works, and not with another one") {
    Site site;
    const Sshd sshd;
    const fs::path key = site.home() / "key";
    fs::copy_file(sshd.client_key(), key);
    fs::permissions(key, fs::perms(0600));
    run_tool({"ssh-keygen", "-q", "-p", "-N", "a secret", "-f", key.string()}, "openssh-client");
    const fs::path secret = site.home() / "passphrase";
    write_file(secret, "another\n");
    fs::permissions(secret, fs::perms(0600));
    add_sftp_stream(site, sshd, "", "ssh_key: " + key.string() + ", passphrase_file: " + secret.string());
    check_sftp_refused(site, "authentication");
    write_file(secret, "a secret\n");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("an unknown host key is refused, or with accept-new noted; a changed one is refused either way") {
    Site site;
    Sshd sshd;
    const fs::path hosts = site.home() / "hosts";
    write_file(hosts, "");
    add_sftp_stream(site, sshd, "", "known_hosts: " + hosts.string());
    check_sftp_refused(site, "host_key");
    add_sftp_stream(site, sshd, "", "host_key: accept-new, known_hosts: " + hosts.string());
    const ProgramResult accepted = site.one_off();
    CHECK_MESSAGE(accepted.exit_code == 0, accepted.output << sftp_logs(site));
    CHECK_FALSE(read_file(hosts).empty());
    fs::remove(site.target() / "f");
    sshd.change_host_key();
    check_sftp_refused(site, "host_key");
    // It came before any credential.
    CHECK(sshd.log().find("Accepted publickey") == sshd.log().rfind("Accepted publickey"));
}

TEST_SUITE_END();

}  // namespace mistamover::test
