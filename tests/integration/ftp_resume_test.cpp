// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <fstream>

#include "breaking_site.hpp"
#include "faulty_site.hpp"
#include "ftp_site.hpp"
#include "servers/proftpd.hpp"
#include "servers/pure_ftpd.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using Tls = FtpServer::Tls;

/// Slow enough for a file to be met on its way.
constexpr LineQuality limited{std::chrono::milliseconds(0), 40 * megabyte};

/// A proxy of which the connections for data break, too.
struct BreakingFtpSite : BreakingSite {
    explicit BreakingFtpSite(const FtpServer& server)
        : BreakingSite("ftp", server.port(), limited, passive_ports + 1) {
        add_ftp_stream(
            *this, server,
            {.outgoing = "retry_delay: 20ms", .options = "verify_peer: false", .host = SlowProxy::address});
    }
};

void check_goes_on(const FtpServer& server) {
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    site.check_arrives(content);
    CHECK_MESSAGE(eventually([&] { return site.times_gone_on() == 1; }), site.logs() << server.log());
    CHECK(site.proxy.bytes_up() < 45 * megabyte);
    // No command was left without the answer that was waited for.
    CHECK_MESSAGE(site.log("dtc_p").find("(timed_out)") == std::string::npos, site.logs());
}

}  // namespace

TEST_SUITE_BEGIN("ftp_resume");

TEST_CASE("a large file whose connections are cut four times goes on each time near where it was") {
    const Vsftpd server;
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(200);
    site.send_and_cut(content, 40 * megabyte, 4);
    site.check_arrives(content);
    CHECK_MESSAGE(eventually([&] { return site.times_gone_on() == 4; }), site.logs());
    // Sent anew each time it would be 600 million.
    CHECK(site.proxy.bytes_up() < 300 * megabyte);
    CHECK(site.proxy.bytes_down() < 50 * megabyte);
}

TEST_CASE("every server is gone on with, in the clear and over TLS") {
    Tls tls = Tls::none;
    SUBCASE("in the clear") {}
    SUBCASE("over TLS") {
        tls = Tls::on_request;
    }
    check_goes_on(Vsftpd(tls));
    check_goes_on(PureFtpd(tls));
    const Proftpd server(tls);
    check_goes_on(server);
    // What it has put together, it has computed a checksum of.
    CHECK(server.times_told("HASH") > 0);
}

TEST_CASE("a source that was replaced by another of the same size and time is sent from its start") {
    const Vsftpd server;
    BreakingFtpSite site(server);
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
    const Vsftpd server;
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    SUBCASE("all but its size") {
        const auto size = fs::file_size(site.leftover());
        fs::resize_file(site.leftover(), 0);
        fs::resize_file(site.leftover(), size);
    }
    SUBCASE("something in its middle") {
        const std::string zeros(5 * megabyte, '\0');
        std::fstream(site.leftover(), std::ios::binary | std::ios::in | std::ios::out)
            .seekp(3 * megabyte)
            .write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
    }
    SUBCASE("its end") {
        fs::resize_file(site.leftover(), megabyte);
    }
    SUBCASE("all of it") {
        fs::remove(site.leftover());
    }
    site.check_arrives(content);
    CHECK(site.times_gone_on() == 0);
}

TEST_CASE("a server that lets nobody read what it has is sent the file anew, from its start") {
    const Vsftpd server(Tls::none, "download_enable=NO\n");
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    site.check_arrives(content);
    CHECK(site.times_gone_on() == 0);
    CHECK_MESSAGE(server.times_told("RETR") > 0, server.log());
    CHECK_MESSAGE(site.log("dtc_p").find("(corrupt)") == std::string::npos, site.logs());
}

TEST_CASE("a leftover that is wrong where nobody looked is found out by the server's checksum") {
    const Proftpd server;
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    std::fstream(site.leftover(), std::ios::binary | std::ios::in | std::ios::out)
        .seekp(1L << 20U)
        .write("wrong", 5);
    site.check_arrives(content);
}

TEST_CASE("what was left of a file that nobody sends any more is removed, and so is another process's") {
    const Vsftpd server;
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    SUBCASE("its source has gone") {
        fs::remove(site.source() / "f");
        site.proxy.stall(false);
        CHECK(eventually([&] { return files_below(site.target()) == std::set<std::string>{}; }));
    }
    SUBCASE("the process that sent it has died") {
        Daemon::kill(daemon.process("mm:p"));
        site.check_arrives(content);
    }
    CHECK(site.times_gone_on() == 0);
}

TEST_SUITE_END();

}  // namespace mistamover::test
