// SPDX-License-Identifier: BSD-3-Clause
#include <cstdlib>
#include <doctest/doctest.h>
#include <memory>
#include <optional>

#include "faulty_site.hpp"
#include "ftp_site.hpp"
#include "servers/proftpd.hpp"
#include "servers/pure_ftpd.hpp"
#include "servers/vsftpd.hpp"
#include "unzip.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using Tls = FtpServer::Tls;

/// Calls `check` with each server in the clear and with TLS asked for.
template <typename Check>
void with_every_server(const Check& check) {
    for (const Tls tls : {Tls::none, Tls::on_request}) {
        CAPTURE(static_cast<int>(tls));
        check(Vsftpd(tls));
        check(Proftpd(tls));
        check(PureFtpd(tls));
    }
}

void check_everything_arrives(const FtpServer& server, const std::set<std::string>& names) {
    Site site;
    add_ftp_stream(site, server);
    for (const std::string& name : names) {
        write_file(site.source() / name, "content of " + name);
    }
    write_file(site.source() / "empty", "");
    write_file(site.source() / "large", std::string(3'000'000, 'l'));
    write_file(site.source() / "tree/a/b", "deep");
    fs::create_directories(site.source() / "tree/void");
    write_file(site.target() / "plain", "an earlier one");
    fs::permissions(site.target() / "plain", fs::perms(0666));
    check_delivers_all(site);
    std::set<std::string> expected = names;
    expected.insert({"empty", "large", "tree"});
    CHECK(names_in(site.target()) == expected);
    for (const std::string& name : names) {
        CHECK_MESSAGE(read_file(site.target() / name) == "content of " + name, name);
    }
    CHECK(fs::file_size(site.target() / "large") == 3'000'000);
    CHECK(read_file(site.target() / "tree/a/b") == "deep");
    CHECK(fs::is_directory(site.target() / "tree/void"));
    CHECK(names_in(site.source()).empty());
}

void check_mirrors(const FtpServer& server) {
    Site site;
    add_ftp_stream(site, server, {.outgoing = "transfer_mode: mirror"});
    write_file(site.source() / "kept", "kept");
    write_file(site.source() / "changed", "before");
    write_file(site.source() / "tree/gone", "gone");
    // Where a server keeps no times, what was written in the very second of its arrival is sent again: it may
    // have changed since.
    fs::last_write_time(site.source() / "kept", fs::file_time_type::clock::now() - std::chrono::hours(1));
    check_delivers_all(site);
    CHECK(read_file(site.target() / "tree/gone") == "gone");
    const auto written = fs::last_write_time(site.target() / "kept");
    fs::remove_all(site.source() / "tree");
    write_file(site.source() / "new", "new");
    write_file(site.source() / "changed", "afterwards");
    check_delivers_all(site);
    const std::set<std::string> expected{"kept", "new", "changed"};
    CHECK(names_in(site.target()) == expected);
    CHECK(names_in(site.source()) == expected);
    CHECK(read_file(site.target() / "changed") == "afterwards");
    CHECK(fs::last_write_time(site.target() / "kept") == written);
}

/// The time zone, in the form of TZ, of what is started while it lives.
class ZoneForServers {
  public:
    // NOLINTBEGIN(concurrency-mt-unsafe): tests have one thread
    explicit ZoneForServers(const char* zone) {
        if (const char* before = std::getenv(name)) {
            before_ = before;
        }
        ::setenv(name, zone, 1);
    }
    ~ZoneForServers() {
        if (before_) {
            ::setenv(name, before_->c_str(), 1);
        } else {
            ::unsetenv(name);
        }
    }
    // NOLINTEND(concurrency-mt-unsafe)
    ZoneForServers(const ZoneForServers&) = delete;
    ZoneForServers& operator=(const ZoneForServers&) = delete;

  private:
    static constexpr char name[] = "TZ";
    std::optional<std::string> before_;
};

std::unique_ptr<Vsftpd> vsftpd_in_zone(const char* zone) {
    const ZoneForServers in_force(zone);
    return std::make_unique<Vsftpd>(Tls::none, "use_localtime=YES\n");
}

void check_sends_zip(const FtpServer& server) {
    Site site;
    add_ftp_stream(site, server, {.outgoing = "directories: zip"});
    write_file(site.source() / "tree/a/b", "deep");
    check_delivers_all(site);
    const Scratch unpacked;
    CHECK(unzip(site.target() / "tree.zip", unpacked.path()));
    CHECK(read_file(unpacked / "tree/a/b") == "deep");
    CHECK(names_in(site.target()) == std::set<std::string>{"tree.zip"});
    CHECK(names_in(site.source()).empty());
}

void check_stop_file_holds(const FtpServer& server) {
    Site site;
    add_ftp_stream(site, server);
    write_file(site.target() / ".stop", "");
    check_kept_by_ftp(site, "suspended");
    fs::remove(site.target() / ".stop");
    check_delivers_all(site);
    CHECK(read_file(site.target() / "f") == "x");
}

}  // namespace

TEST_SUITE_BEGIN("ftp_matrix");

TEST_CASE("files of every name and directories arrive, over earlier ones too, and nothing is left behind") {
    with_every_server([](const FtpServer& server) {
        std::set<std::string> names = ftp_nasty_names();
        if (dynamic_cast<const PureFtpd*>(&server) != nullptr) {
            // It refuses backslashes, cuts blanks off, and writes an underscore for each control character.
            for (const char* changed :
                 {"back\\slash", " blank at both ends ", "tab\there", "\001\033[31mred"}) {
                names.erase(changed);
            }
        }
        check_everything_arrives(server, names);
    });
}

TEST_CASE("the same over TLS from the first byte, where a server has that") {
    check_everything_arrives(Vsftpd(Tls::from_start), ftp_nasty_names());
    check_everything_arrives(Proftpd(Tls::from_start), ftp_nasty_names());
}

TEST_CASE("a mirror sends what is new or changed, and deletes what has vanished") {
    with_every_server(check_mirrors);
}

TEST_CASE("a mirror at a server that tells its local time sends what has changed, and that alone") {
    // Two hours ahead of UTC, in it, and five hours behind.
    for (const char* zone : {"EAST-2", "UTC0", "WEST5"}) {
        CAPTURE(zone);
        const auto server = vsftpd_in_zone(zone);
        Site site;
        add_ftp_stream(site, *server, {.outgoing = "transfer_mode: mirror"});
        write_file(site.source() / "kept", "kept");
        fs::last_write_time(site.source() / "kept", fs::file_time_type::clock::now() - std::chrono::hours(1));
        write_file(site.source() / "changed", "before");
        check_delivers_all(site);
        write_file(site.source() / "changed", "after!");
        check_delivers_all(site);
        CHECK_MESSAGE(read_file(site.target() / "changed") == "after!", ftp_logs(site) << server->log());
        CHECK_MESSAGE(count_of("sent kept", site.log("dtc_p")) == 1, ftp_logs(site));
    }
}

TEST_CASE("a directory arrives as one zip file") {
    with_every_server(check_sends_zip);
}

TEST_CASE("a stop file in the target directory suspends the stream") {
    with_every_server(check_stop_file_holds);
}

TEST_CASE("many files arrive by several connections at once") {
    with_every_server([](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server, {.outgoing = "parallel_transfers: 8"});
        for (std::size_t number = 0; number < 300; ++number) {
            write_file(site.source() / std::to_string(number), std::string(number * 11 + 1, 'm'));
        }
        check_delivers_all(site);
        for (std::size_t number = 0; number < 300; ++number) {
            REQUIRE(read_file(site.target() / std::to_string(number)).size() == number * 11 + 1);
        }
    });
}

TEST_CASE("the server connects to the client where passive connections are not wanted") {
    with_every_server([](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server, {.options = "passive: false"});
        write_file(site.source() / "f", "active");
        write_file(site.source() / "large", std::string(3'000'000, 'l'));
        check_delivers_all(site);
        CHECK(read_file(site.target() / "f") == "active");
        CHECK(fs::file_size(site.target() / "large") == 3'000'000);
        CHECK(server.times_told("EPSV") == 0);
    });
}

TEST_CASE("modification times are kept where the server can set them") {
    const auto check = [](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server);
        write_file(site.source() / "f", "x");
        const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(24 * 300);
        const auto whole = std::chrono::floor<std::chrono::seconds>(long_ago);
        fs::last_write_time(site.source() / "f", whole);
        check_delivers_all(site);
        CHECK(fs::last_write_time(site.target() / "f") == whole);
    };
    check(Proftpd());
    check(PureFtpd());
}

TEST_CASE("the server's checksum proves a file, and a server without any is not taken for one") {
    Site site;
    const Proftpd server;
    const Vsftpd without;
    SUBCASE("by HASH") {
        add_ftp_stream(site, server, {.outgoing = "verify: checksum"});
        write_file(site.source() / "f", std::string(300'000, 'x'));
        check_delivers_all(site);
        CHECK(server.times_told("HASH") > 0);
        CHECK(fs::file_size(site.target() / "f") == 300'000);
    }
    SUBCASE("not with vsftpd") {
        add_ftp_stream(site, without, {.outgoing = "verify: checksum"});
        check_kept_by_ftp(site, "checksum");
    }
}

TEST_CASE("a server that knows no EPSV is asked by PASV, and the address that it names is not trusted") {
    Site site;
    const Proftpd server(Tls::none, "MasqueradeAddress 192.0.2.1\n<Limit EPSV>\nDenyAll\n</Limit>\n");
    add_ftp_stream(site, server);
    write_file(site.source() / "f", "by PASV");
    write_file(site.source() / "g", "by PASV again");
    check_delivers_all(site);
    CHECK(read_file(site.target() / "f") == "by PASV");
    CHECK(read_file(site.target() / "g") == "by PASV again");
    CHECK(server.times_told("PASV") > 0);
}

TEST_CASE("files are written under their names where the operator has chosen so") {
    with_every_server([](const FtpServer& server) {
        Site site;
        add_ftp_stream(site, server, {.outgoing = "publish: direct"});
        write_file(site.source() / "f", "direct");
        check_delivers_all(site);
        CHECK(read_file(site.target() / "f") == "direct");
        CHECK(names_in(site.target()) == std::set<std::string>{"f"});
    });
}

TEST_CASE("a thousand files get as many data connections that resume the TLS session") {
    Site site;
    const Vsftpd server(Tls::on_request);
    add_ftp_stream(site, server);
    for (int number = 0; number < 1000; ++number) {
        write_file(site.source() / std::to_string(number), std::to_string(number));
    }
    check_delivers_all(site);
    for (int number = 0; number < 1000; ++number) {
        REQUIRE(read_file(site.target() / std::to_string(number)) == std::to_string(number));
    }
    CHECK(names_in(site.target()).size() == 1000);
    CHECK(names_in(site.source()).empty());
}

TEST_SUITE_END();

}  // namespace mistamover::test
