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

/// A configuration of ssh in which the host "behind" is reached by way of `jump`; `more` is for that one.
fs::path ssh_config_with(const Site& site, const Sshd& jump, const std::string& more = "") {
    const std::string of_this_machine = "  HostName 127.0.0.1\n  GlobalKnownHostsFile /dev/null\n";
    fs::path file = site.home() / "ssh_config";
    // Of two lines for the same, ssh takes the first.
    write_file(file, "Host jump\n" + more + of_this_machine + "  Port " + std::to_string(jump.port()) +
                         "\n  User " + jump.user() + "\n  IdentityFile " + jump.client_key().string() +
                         "\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile " +
                         jump.known_hosts().string() + "\n  StrictHostKeyChecking yes\nHost behind\n" +
                         of_this_machine + "  ProxyJump jump\n");
    return file;
}

/// The file of a password that lies below the site's home directory; empty where there is none.
fs::path password_file_of(const Site& site) {
    std::optional<std::set<std::string>> files;
    REQUIRE(eventually([&] {
        files = files_below(site.home());
        return files.has_value();
    }));
    const auto found = std::find_if(files->begin(), files->end(), [](const std::string& path) {
        return fs::path(path).filename().string().starts_with("password.");
    });
    return found == files->end() ? fs::path() : site.home() / *found;
}

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

TEST_CASE("a password lies in a private file until the connection is up, and no longer") {
    Site site;
    const Sshd sshd;
    SlowProxy proxy(sshd.port());
    proxy.stall(true);
    add_sftp_stream(site, sshd, "parallel_transfers: 1, bandwidth_limit: 1MB", "password: my-word",
                    SlowProxy::address);
    write_file(site.source() / "f", megabytes(20));
    const Daemon daemon(site);
    fs::path file;
    REQUIRE(eventually([&] {
        file = password_file_of(site);
        return !file.empty() && read_file(file) == "my-word\n";
    }));
    CHECK(fs::status(file).permissions() == fs::perms(0600));
    proxy.stall(false);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 100'000; }));
    CHECK(password_file_of(site).empty());
    // The connection is still in use.
    CHECK(fs::exists(site.source() / "f"));
}

TEST_CASE("a host is reached by the jump host that ssh's configuration names") {
    Site site;
    const Sshd jump;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "", "ssh_config: " + ssh_config_with(site, jump).string(), "behind");
    write_file(site.source() / "f", "x");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(read_file(site.target() / "f") == "x");
    CHECK(jump.log().find("Accepted publickey") != std::string::npos);
    CHECK(sshd.log().find("Accepted publickey") != std::string::npos);
}

TEST_CASE("a jump host that wants a password, or is not known, gets nothing and ends the stream") {
    Site site;
    const Sshd jump("PasswordAuthentication yes");
    const Sshd sshd;
    std::string of_jump_host;
    std::string code;
    SUBCASE("a password") {
        of_jump_host = "  PubkeyAuthentication no\n";
        code = "authentication";
    }
    SUBCASE("a decision on its key") {
        write_file(site.home() / "no_hosts", "");
        of_jump_host =
            "  StrictHostKeyChecking ask\n  UserKnownHostsFile " + (site.home() / "no_hosts").string() + "\n";
        code = "host_key";
    }
    add_sftp_stream(site, sshd, "",
                    "password: my-word, ssh_config: " + ssh_config_with(site, jump, of_jump_host).string(),
                    "behind");
    check_sftp_refused(site, code);
    CHECK_MESSAGE(site.log("sftp_p").find("not answered") != std::string::npos, sftp_logs(site));
    CHECK(sshd.log().find("Accepted") == std::string::npos);
}

TEST_SUITE_END();

}  // namespace mistamover::test
