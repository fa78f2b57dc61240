// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <stdexcept>

#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"

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
