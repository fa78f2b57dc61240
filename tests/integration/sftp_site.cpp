// SPDX-License-Identifier: BSD-3-Clause
#include "sftp_site.hpp"

#include <doctest/doctest.h>

#include "faulty_site.hpp"

namespace mistamover::test {

void add_sftp_stream(Site& site, const SftpLogin& login, const std::string& outgoing,
                     const std::string& options, const std::string& host) {
    std::string section = "sftp: {agent: false, port: " + std::to_string(login.port);
    const auto add_unless_named = [&](const std::string& key, const std::string& value) {
        if (options.find(key) == std::string::npos) {
            section += ", " + key + ": " + value;
        }
    };
    add_unless_named("username", login.user);
    add_unless_named("ssh_key", login.key.string());
    add_unless_named("known_hosts", login.known_hosts.string());
    const auto more = [](const std::string& text) { return text.empty() ? "" : ", " + text; };
    site.add_stream_with(
        "p",
        "plugin: sftp, target_host: " + host + ", target_dir: " + site.target().string() + more(outgoing),
        section + more(options) + "}");
}

std::string sftp_logs(const Site& site) {
    return site.log("sftp_p") + site.log("dtc_p");
}

void check_sftp_refused(const Site& site, const std::string& code) {
    write_file(site.source() / "f", "x");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(site.log("dtc_p").find('(' + code) != std::string::npos, result.output << sftp_logs(site));
    CHECK(names_in(site.target()).empty());
    CHECK(read_file(site.source() / "f") == "x");
}

}  // namespace mistamover::test
