// SPDX-License-Identifier: BSD-3-Clause
#include "ftp_site.hpp"

#include <doctest/doctest.h>

#include "faulty_site.hpp"

namespace mistamover::test {

void add_ftp_stream(Site& site, const FtpServer& server, const FtpStream& stream) {
    std::string section = "ftp: {port: " + std::to_string(server.port());
    const auto add_unless_named = [&](const std::string& key, const std::string& value) {
        if (stream.options.find(key + ':') == std::string::npos) {
            section += ", " + key + ": " + value;
        }
    };
    add_unless_named("username", server.username());
    add_unless_named("password", FtpServer::password());
    if (server.tls() != FtpServer::Tls::none) {
        add_unless_named("tls", server.tls() == FtpServer::Tls::on_request ? "explicit" : "implicit");
        add_unless_named("ca_file", server.ca_file().string());
    }
    const auto more = [](const std::string& text) { return text.empty() ? "" : ", " + text; };
    site.add_stream_with("p",
                         "plugin: ftp, target_host: " + stream.host +
                             ", target_dir: " + site.target().string() + more(stream.outgoing),
                         section + more(stream.options) + "}");
    server.serve(site.target());
}

std::string ftp_logs(const Site& site) {
    return site.log("ftp_p") + site.log("dtc_p");
}

void check_delivers_all(const Site& site) {
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << ftp_logs(site));
}

void check_kept_by_ftp(const Site& site, const std::string& reason) {
    write_file(site.source() / "f", "x");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code != 0);
    const std::string said = result.output + ftp_logs(site);
    CHECK_MESSAGE(said.find(reason) != std::string::npos, said);
    CHECK_FALSE(std::filesystem::exists(site.target() / "f"));
    CHECK(read_file(site.source() / "f") == "x");
}

const std::set<std::string>& ftp_nasty_names() {
    static const std::set<std::string> names{"plain",       "with space",      " blank at both ends ",
                                             "quote'\"",    "*?[glob]",        "-leading",
                                             "--delete",    "\xff\xfe bytes",  std::string(255, 'n'),
                                             "back\\slash", "#hash",           ";semicolon",
                                             "a -> b",      "$(touch x)",      "tab\there",
                                             "colon:colon", "\001\033[31mred", "~"};
    return names;
}

}  // namespace mistamover::test
