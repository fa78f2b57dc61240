// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <fstream>

#include "faulty_site.hpp"
#include "ftp_site.hpp"
#include "servers/proftpd.hpp"
#include "servers/pure_ftpd.hpp"
#include "servers/slow_proxy.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using Tls = FtpServer::Tls;

constexpr std::uintmax_t megabyte = 1'000'000;
/// Slow enough for a file to be met on its way.
constexpr LineQuality line{std::chrono::milliseconds(0), 40 * megabyte};

/// A stream by way of a proxy whose connections break, those for data among them.
struct BreakingFtpSite : Site {
    explicit BreakingFtpSite(const FtpServer& server) : proxy(server.port(), line, passive_ports + 1) {
        add_ftp_stream(
            *this, server,
            {.outgoing = "retry_delay: 20ms", .options = "verify_peer: false", .host = SlowProxy::address});
    }
    [[nodiscard]] std::size_t times_gone_on() const { return count_of("goes on with", log("ftp_p")); }
    /// Sends `f`, with the connections broken when more than `size` bytes of it have arrived, and the line
    /// dead from then on.
    void send_and_break(const std::string& content, std::uintmax_t size) {
        write_file(source() / "f", content);
        REQUIRE_MESSAGE(eventually([&] { return bytes_below(target()) > size; }), ftp_logs(*this));
        proxy.stall(true);
        proxy.cut();
        REQUIRE(eventually([&] { return log("dtc_p").find("(connection_lost") != std::string::npos; }));
        REQUIRE(fs::exists(source() / "f"));
    }
    /// The only file below the target: what has arrived of `f`.
    [[nodiscard]] fs::path leftover() const {
        for (const auto& entry : fs::recursive_directory_iterator(target())) {
            if (entry.is_regular_file()) {
                return entry.path();
            }
        }
        return {};
    }
    [[nodiscard]] std::ptrdiff_t files_at_target() const {
        std::ptrdiff_t count = 0;
        std::error_code gone;
        using Walk = fs::recursive_directory_iterator;
        for (Walk entry(target(), gone); !gone && entry != Walk(); entry.increment(gone)) {
            std::error_code ignored;
            count += entry->is_regular_file(ignored) ? 1 : 0;
        }
        return gone ? -1 : count;
    }
    /// `f` arrives, and no other file is left.
    void check_arrives(const std::string& content) {
        proxy.stall(false);
        CHECK_MESSAGE(eventually([&] { return !fs::exists(source() / "f"); }), ftp_logs(*this));
        CHECK((read_file(target() / "f") == content));
        CHECK(eventually([&] { return files_at_target() == 1; }));
        CHECK_FALSE(fs::exists(source() / "quarantine"));
    }

    SlowProxy proxy;
};

void check_goes_on(const FtpServer& server) {
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(30);
    site.send_and_break(content, 15 * megabyte);
    site.check_arrives(content);
    CHECK_MESSAGE(site.times_gone_on() == 1, ftp_logs(site) << server.log());
    CHECK(site.proxy.bytes_up() < 45 * megabyte);
    // No command was left without the answer that was waited for.
    CHECK_MESSAGE(site.log("dtc_p").find("(timed_out)") == std::string::npos, ftp_logs(site));
}

}  // namespace

TEST_SUITE_BEGIN("ftp_resume");

TEST_CASE("a large file whose connections are cut four times goes on each time near where it was") {
    const Vsftpd server;
    BreakingFtpSite site(server);
    const Daemon daemon(site);
    const std::string content = megabytes(200);
    write_file(site.source() / "f", content);
    for (std::uintmax_t cut = 1; cut <= 4; ++cut) {
        REQUIRE_MESSAGE(eventually([&] { return bytes_below(site.target()) > cut * 40 * megabyte; }),
                        ftp_logs(site));
        site.proxy.cut();
    }
    site.check_arrives(content);
    CHECK_MESSAGE(site.times_gone_on() == 4, ftp_logs(site));
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
    CHECK(server.log().find("HASH") != std::string::npos);
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
    SUBCASE("its end") {
        fs::resize_file(site.leftover(), megabyte);
    }
    SUBCASE("all of it") {
        fs::remove(site.leftover());
    }
    site.check_arrives(content);
    CHECK(site.times_gone_on() == 0);
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
        CHECK(eventually([&] { return site.files_at_target() == 0; }));
    }
    SUBCASE("the process that sent it has died") {
        Daemon::kill(daemon.process("mm:p"));
        site.check_arrives(content);
    }
    CHECK(site.times_gone_on() == 0);
}

TEST_SUITE_END();

}  // namespace mistamover::test
