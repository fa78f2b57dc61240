// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "receiving_site.hpp"
#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

const std::string by_protocol = ", target_uses_arrival_monitor: true, target_host: 127.0.0.1";

std::string chain_content(int number) {
    return "content of " + std::to_string(number) + std::string(static_cast<std::size_t>(number), '.');
}

std::string chain_name(int number) {
    return "file " + std::to_string(number);
}

// But for what a sender has ready for a full disk.
std::set<std::string> left_in(const std::set<std::filesystem::path>& directories) {
    std::set<std::string> left = files_below(directories);
    std::erase_if(left, [](const std::string& path) {
        return path.find("/.mistamover-handshake/reserve") != std::string::npos;
    });
    return left;
}

// 1,000 files are put into the first directory, arrive in the last, and nothing stays in the others.
void check_chain(const std::filesystem::path& first, const std::filesystem::path& last,
                 const std::set<std::filesystem::path>& others, const std::function<std::string()>& logs) {
    constexpr int count = 1000;
    for (int number = 0; number < count; ++number) {
        write_file(first / chain_name(number), chain_content(number));
    }
    const bool clean =
        eventually([&] { return files_below(std::set{last}).size() == count && left_in(others).empty(); },
                   std::chrono::seconds{180});
    const std::set<std::string> left = left_in(others);
    INFO("arrived: ", files_below(std::set{last}).size(), ", left: ", left.size(),
         left.empty() ? "" : " such as " + *left.begin(), "\n", logs());
    CHECK(clean);
    for (int number = 0; number < count; ++number) {
        CHECK(read_file(last / chain_name(number)) == chain_content(number));
    }
}

}  // namespace

TEST_SUITE_BEGIN("handshake_chain");

TEST_CASE("files go from host to host, by sftp and then by an rsync daemon, each time with the handshake") {
    Site a;
    ReceivingSite b;
    ReceivingSite c;
    const Sshd sshd;
    const Rsyncd rsyncd(c.home());
    c.add_receiver();
    b.add_relay("plugin: rsync, target_dir: data/incoming" + by_protocol,
                "rsync: {transport: daemon, port: " + std::to_string(rsyncd.port()) + "}");
    a.add_stream_with("p", "plugin: sftp, target_dir: " + b.incoming().string() + by_protocol,
                      "sftp: {agent: false, username: " + sshd.user() + ", port: " +
                          std::to_string(sshd.port()) + ", ssh_key: " + sshd.client_key().string() +
                          ", known_hosts: " + sshd.known_hosts().string() + "}");
    const Daemon on_c(c);
    const Daemon on_b(b);
    const Daemon on_a(a);
    check_chain(a.source(), c.source(), {a.source(), b.incoming(), b.source(), c.incoming()}, [&] {
        return a.log("dtc_p") + a.log("sftp_p") + b.log("arrmon_p") + b.log("dtc_p") + b.log("rsync_p") +
               c.log("arrmon_p");
    });
}

TEST_CASE("files go to another host by ftp with the handshake") {
    Site a;
    ReceivingSite b;
    const Vsftpd vsftpd;
    b.add_receiver();
    a.add_stream_with("p", "plugin: ftp, target_dir: " + b.incoming().string() + by_protocol,
                      "ftp: {port: " + std::to_string(vsftpd.port()) + ", password: anything}");
    const Daemon on_b(b);
    const Daemon on_a(a);
    check_chain(a.source(), b.source(), {a.source(), b.incoming()},
                [&] { return a.log("dtc_p") + a.log("ftp_p") + b.log("arrmon_p"); });
}

TEST_SUITE_END();

}  // namespace mistamover::test
