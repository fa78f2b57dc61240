// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <stdexcept>

#include "servers/proftpd.hpp"
#include "servers/pure_ftpd.hpp"
#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

std::vector<std::string> ssh_command(const Sshd& sshd) {
    return {"ssh",
            "-F",
            "none",
            "-p",
            std::to_string(sshd.port()),
            "-i",
            sshd.client_key().string(),
            "-o",
            "BatchMode=yes",
            "-o",
            "UserKnownHostsFile=" + sshd.known_hosts().string(),
            sshd.user() + "@127.0.0.1",
            "true"};
}

/// An ordinary client stores a file by way of the server.
void check_takes_a_file(const FtpServer& server) {
    const Scratch served;
    server.serve(served.path());
    run_tool(
        {"python3", "-c",
         "import ftplib, io, sys\n"
         "client = ftplib.FTP()\n"
         "client.connect('127.0.0.1', int(sys.argv[1]))\n"
         "client.login(sys.argv[2], sys.argv[3])\n"
         "client.storbinary('STOR ' + sys.argv[4], io.BytesIO(b'x'))",
         std::to_string(server.port()), server.username(), FtpServer::password(), (served / "f").string()},
        "python3");
    CHECK(read_file(served / "f") == "x");
}

}  // namespace

TEST_CASE("a server that is missing is an error that names the package") {
    CHECK_THROWS_WITH_AS(ServerProcess({"no-such-server"}, "some-package", 1, "/dev/null"),
                         "no-such-server is not there: install the Debian package some-package",
                         std::runtime_error);
}

TEST_CASE("a server that ends instead of listening is an error") {
    const Scratch scratch;
    ServerProcess server({"true"}, "coreutils", free_port(), scratch / "log");
    CHECK_THROWS_AS(server.start(), std::runtime_error);
}

TEST_CASE("sshd lets the present user in, can be killed and started again, and change its host key") {
    Sshd sshd;
    CHECK_NOTHROW(run_tool(ssh_command(sshd), "openssh-client"));
    sshd.kill();
    CHECK_THROWS(run_tool(ssh_command(sshd), "openssh-client"));
    sshd.start();
    CHECK_NOTHROW(run_tool(ssh_command(sshd), "openssh-client"));
    sshd.change_host_key();
    CHECK_THROWS(run_tool(ssh_command(sshd), "openssh-client"));
}

TEST_CASE("each FTP server lets its user in and write") {
    check_takes_a_file(Vsftpd());
    check_takes_a_file(Proftpd());
    check_takes_a_file(PureFtpd());
}

TEST_CASE("ProFTPD serves SFTP, by key") {
    const ProftpdSftp server;
    const Scratch served;
    write_file(served / "batch", "put " + (served / "batch").string() + ' ' + (served / "copy").string());
    CHECK_NOTHROW(run_tool({"sftp", "-q", "-F", "none", "-b", (served / "batch").string(), "-P",
                            std::to_string(server.port()), "-i", server.client_key().string(), "-o",
                            "UserKnownHostsFile=" + server.known_hosts().string(), "mover@127.0.0.1"},
                           "openssh-client"));
    CHECK(read_file(served / "copy") == read_file(served / "batch"));
}

TEST_CASE("rsyncd serves its directory, with a password where it has one") {
    const Scratch served;
    write_file(served / "f", "x");
    const Scratch scratch;
    const Rsyncd open(served.path());
    CHECK_NOTHROW(run_tool(
        {"rsync", "rsync://127.0.0.1:" + std::to_string(open.port()) + "/data/f", (scratch / "f").string()},
        "rsync"));
    CHECK(read_file(scratch / "f") == "x");
    const Rsyncd closed(served.path(), "secret");
    const std::string url = "rsync://mover@127.0.0.1:" + std::to_string(closed.port()) + "/data/f";
    write_file(scratch / "password", "secret\n");
    std::filesystem::permissions(scratch / "password", std::filesystem::perms::owner_read);
    const std::string password = "--password-file=" + (scratch / "password").string();
    CHECK_THROWS(run_tool({"rsync", url, (scratch / "g").string()}, "rsync"));
    CHECK_NOTHROW(run_tool({"rsync", password, url, (scratch / "g").string()}, "rsync"));
}

}  // namespace mistamover::test
