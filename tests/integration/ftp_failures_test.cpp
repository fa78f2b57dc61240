// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <set>
#include <string>

#include "program.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

std::set<std::string> ftp_names_in(const std::filesystem::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

std::string ftp_more(const std::string& text) {
    return text.empty() ? "" : ", " + text;
}

/// The stream "p", which carries to a server on this machine that everybody may enter.
void add_ftp_stream(Site& site, std::uint16_t port, const std::string& options = "",
                    const std::string& outgoing = "") {
    site.add_stream_with(
        "p",
        "plugin: ftp, target_host: 127.0.0.1, target_dir: " + site.target().string() + ftp_more(outgoing),
        "ftp: {port: " + std::to_string(port) + ", password: anything" + ftp_more(options) + "}");
}

std::string ftp_tls_options(const Vsftpd& server, const std::string& kind) {
    return "tls: " + kind + ", ca_file: " + server.ca_file().string();
}

/// FTP cannot carry a line break, and has no links.
const std::set<std::string>& ftp_nasty_names() {
    static const std::set<std::string> names{"plain",       "with space",      " blank at both ends ",
                                             "quote'\"",    "*?[glob]",        "-leading",
                                             "--delete",    "\xff\xfe bytes",  std::string(255, 'n'),
                                             "back\\slash", "#hash",           ";semicolon",
                                             "a -> b",      "$(touch x)",      "tab\there",
                                             "colon:colon", "\001\033[31mred", "~"};
    return names;
}

void check_everything_arrives_by_ftp(Site& site) {
    for (const std::string& name : ftp_nasty_names()) {
        write_file(site.source() / name, "content of " + name);
    }
    write_file(site.source() / "empty", "");
    write_file(site.source() / "large", std::string(3'000'000, 'l'));
    write_file(site.source() / "tree/a/b", "deep");
    std::filesystem::create_directories(site.source() / "tree/void");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("ftp_p") << site.log("dtc_p"));
    std::set<std::string> expected = ftp_nasty_names();
    expected.insert({"empty", "large", "tree"});
    CHECK(ftp_names_in(site.target()) == expected);
    for (const std::string& name : ftp_nasty_names()) {
        CHECK_MESSAGE(read_file(site.target() / name) == "content of " + name, name);
    }
    CHECK(std::filesystem::file_size(site.target() / "large") == 3'000'000);
    CHECK(read_file(site.target() / "tree/a/b") == "deep");
    CHECK(std::filesystem::is_directory(site.target() / "tree/void"));
    CHECK(ftp_names_in(site.source()).empty());
}

std::uintmax_t ftp_bytes_below(const std::filesystem::path& directory) {
    std::uintmax_t sum = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, gone)) {
        const std::uintmax_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
        sum += gone ? 0 : size;
    }
    return sum;
}

/// One run is refused: nothing arrives, and the source stays.
void check_kept_by_ftp(const Site& site, const std::string& reason) {
    write_file(site.source() / "f", "x");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code != 0);
    const std::string said = result.output + site.log("ftp_p") + site.log("dtc_p");
    CHECK_MESSAGE(said.find(reason) != std::string::npos, said);
    CHECK_FALSE(std::filesystem::exists(site.target() / "f"));
    CHECK(read_file(site.source() / "f") == "x");
}

}  // namespace

TEST_SUITE_BEGIN("ftp_stream");

TEST_CASE("files of every name and directories arrive in the clear, and nothing is left behind") {
    Site site;
    const Vsftpd server;
    add_ftp_stream(site, server.port());
    check_everything_arrives_by_ftp(site);
}

TEST_CASE("the same over TLS, asked for after connecting, with data connections that resume the session") {
    Site site;
    const Vsftpd server(Vsftpd::Tls::on_request);
    add_ftp_stream(site, server.port(), ftp_tls_options(server, "explicit"));
    check_everything_arrives_by_ftp(site);
}

TEST_CASE("the same over TLS from the first byte") {
    Site site;
    const Vsftpd server(Vsftpd::Tls::from_start);
    add_ftp_stream(site, server.port(), ftp_tls_options(server, "implicit"));
    check_everything_arrives_by_ftp(site);
}

TEST_CASE("a stop file that may not be looked at is not taken for absent") {
    Site site;
    const Vsftpd server(Vsftpd::Tls::none, "deny_file={.stop,*/.stop}\n");
    add_ftp_stream(site, server.port());
    write_file(site.target() / ".stop", "");
    check_kept_by_ftp(site, "cannot be told whether the target has a stop file");
    std::filesystem::remove(site.target() / ".stop");
    // The server still refuses to tell of it, but it is in no listing any more.
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("ftp_p"));
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a wrong password is a failed authentication, and every file is kept") {
    Site site;
    write_file(site.home() / "passwords", "another\n");
    const Vsftpd server(Vsftpd::Tls::none, "secure_email_list_enable=YES\nemail_password_file=" +
                                               (site.home() / "passwords").string() + "\n");
    add_ftp_stream(site, server.port());
    check_kept_by_ftp(site, "authentication");
}

TEST_CASE("a certificate of an unknown authority is refused, and every file is kept") {
    Site site;
    const Vsftpd server(Vsftpd::Tls::on_request);
    write_certificate(Certificate(), site.home() / "stranger.pem");
    add_ftp_stream(site, server.port(), "tls: explicit, ca_file: " + (site.home() / "stranger.pem").string());
    check_kept_by_ftp(site, "certificate");
}

TEST_CASE("a port that nobody listens on is unreachable, and every file is kept") {
    Site site;
    add_ftp_stream(site, free_port());
    check_kept_by_ftp(site, "unreachable");
}

TEST_CASE("a connection that is cut in the middle is made again, and the file arrives whole") {
    Site site;
    Vsftpd server;
    add_ftp_stream(site, server.port(), "", "retry_count: 1, retry_delay: 50ms, bandwidth_limit: 10MB");
    std::string content;
    for (int i = 0; content.size() < 20'000'000; ++i) {
        content += std::to_string(i) + '\n';
    }
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return ftp_bytes_below(site.target()) > 1'000'000; }));
    server.kill();
    CHECK_FALSE(std::filesystem::exists(site.target() / "f"));
    CHECK(read_file(site.source() / "f") == content);
    server.start();
    CHECK(eventually([&] { return !std::filesystem::exists(site.source() / "f"); }));
    CHECK(read_file(site.target() / "f") == content);
    CHECK_FALSE(std::filesystem::exists(site.source() / "quarantine"));
}

TEST_CASE("a mirror sends what is new and deletes what has vanished") {
    Site site;
    const Vsftpd server;
    add_ftp_stream(site, server.port(), "", "transfer_mode: mirror");
    write_file(site.source() / "kept", "kept");
    write_file(site.source() / "tree/gone", "gone");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "tree/gone") == "gone");
    std::filesystem::remove_all(site.source() / "tree");
    write_file(site.source() / "new", "new");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("ftp_p"));
    CHECK(ftp_names_in(site.target()) == std::set<std::string>{"kept", "new"});
    CHECK(ftp_names_in(site.source()) == std::set<std::string>{"kept", "new"});
}

TEST_CASE("a mirror deletes nothing where a directory of the target may not be listed") {
    Site site;
    const Vsftpd server(Vsftpd::Tls::none, "deny_file={closed,*/closed}\n");
    add_ftp_stream(site, server.port(), "", "transfer_mode: mirror");
    write_file(site.source() / "f", "x");
    write_file(site.target() / "closed/inner", "inner");
    write_file(site.target() / "vanished", "v");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code != 0, result.output);
    CHECK(read_file(site.target() / "closed/inner") == "inner");
    CHECK(read_file(site.target() / "vanished") == "v");
    CHECK(read_file(site.source() / "f") == "x");
}

TEST_SUITE_END();

}  // namespace mistamover::test
