// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <fstream>

#include "breaking_site.hpp"
#include "faulty_site.hpp"
#include "servers/sshd.hpp"
#include "sftp_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

struct BreakingSftpSite : BreakingSite {
    explicit BreakingSftpSite(const Sshd& server) : BreakingSite("sftp", server.port()) {
        add_sftp_stream(*this, server, "retry_delay: 20ms", "", SlowProxy::address);
    }
};

}  // namespace

TEST_SUITE_BEGIN("sftp_resume");

TEST_CASE("a large file whose connection is cut four times goes on each time where it was") {
    const Sshd server;
    BreakingSftpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(200);
    site.send_and_cut(content, 40 * megabyte, 4);
    site.check_arrives(content);
    CHECK_MESSAGE(eventually([&] { return site.times_gone_on() == 4; }), site.logs());
    // Sent anew each time it would be 600 million.
    CHECK(site.proxy.bytes_up() < 300 * megabyte);
    CHECK(site.proxy.bytes_down() < 20 * megabyte);
}

TEST_CASE("a source that was replaced by another of the same size is sent from its start") {
    const Sshd server;
    BreakingSftpSite site(server);
    const Daemon daemon(site);
    site.send_and_break(megabytes(30), 12 * megabyte);
    std::string other = megabytes(30);
    other.front() = static_cast<char>(other.front() + 1);
    const auto written = fs::last_write_time(site.source() / "f");
    std::ofstream(site.source() / "f", std::ios::binary | std::ios::in) << other.front();
    fs::last_write_time(site.source() / "f", written);
    site.check_arrives(other);
    CHECK(site.times_gone_on() == 0);
}

TEST_CASE("a leftover in which the server has lost something is not gone on with") {
    const Sshd server;
    BreakingSftpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    SUBCASE("a hole in the midst of it") {
        site.send_and_break(content, 15 * megabyte);
        std::fstream(site.leftover(), std::ios::binary | std::ios::in | std::ios::out)
            .seekp(4L << 20U)
            .write(std::string(2UL << 20U, '\0').data(), 2L << 20U);
    }
    SUBCASE("its end") {
        site.send_and_break(content, 15 * megabyte);
        fs::resize_file(site.leftover(), megabyte);
    }
    SUBCASE("all of it") {
        site.send_and_break(content, 15 * megabyte);
        fs::remove(site.leftover());
    }
    site.check_arrives(content);
    CHECK(site.times_gone_on() == 0);
}

TEST_CASE("what was left of a file that nobody sends any more is removed, and so is another process's") {
    const Sshd server;
    BreakingSftpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    REQUIRE(fs::file_size(site.leftover()) > 15 * megabyte);
    SUBCASE("its source has gone") {
        fs::remove(site.source() / "f");
        site.proxy.stall(false);
        CHECK(eventually([&] { return names_in(site.target()).empty(); }));
    }
    SUBCASE("the process that sent it has died") {
        Daemon::kill(daemon.process("mm:p"));
        site.check_arrives(content);
    }
    CHECK(site.times_gone_on() == 0);
}

TEST_SUITE_END();

}  // namespace mistamover::test
