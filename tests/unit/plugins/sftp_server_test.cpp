// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "sftp/server.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

/// A server's version with these extensions, and its answer to the question for its limits.
std::string hello(const std::vector<std::pair<const char*, const char*>>& extensions, std::uint64_t write,
                  std::uint64_t files) {
    OutputBuffer output;
    {
        PacketWriter version(output, PacketType::version);
        version.number(3);
        for (const auto& [name, data] : extensions) {
            version.text(name).text(data);
        }
    }
    PacketWriter(output, PacketType::extended_reply)
        .number(1)
        .long_number(262144)
        .long_number(262144)
        .long_number(write)
        .long_number(files);
    return std::string(output.view());
}

std::string status(std::uint32_t id, std::uint32_t code) {
    OutputBuffer output;
    PacketWriter(output, PacketType::status).number(id).number(code).text("").text("");
    return std::string(output.view());
}

ServerFeatures features_of(const std::string& incoming) {
    test::QuietContext context;
    test::ScriptedChannel channel;
    Server server(channel, context);
    channel.incoming = incoming;
    server.start();
    return server.features();
}

}  // namespace

TEST_CASE("what a server offers is known by name and version") {
    const ServerFeatures all = features_of(hello({{"posix-rename@openssh.com", "1"},
                                                  {"statvfs@openssh.com", "2"},
                                                  {"fsync@openssh.com", "1"},
                                                  {"lsetstat@openssh.com", "1"},
                                                  {"check-file", ""},
                                                  {"limits@openssh.com", "1"}},
                                                 100'000, 90));
    CHECK(all.posix_rename);
    CHECK(all.statvfs);
    CHECK(all.fsync);
    CHECK(all.lsetstat);
    CHECK(all.check_file);
    CHECK_FALSE(all.is_proftpd);
    CHECK(all.write_size == 100'000);
    CHECK(all.open_files == 90);
    ServerFeatures other;
    other.learn("posix-rename@openssh.com", "2");
    other.learn("statvfs@openssh.com", "1");
    other.learn("something@else", "1");
    CHECK_FALSE(other.posix_rename);
    CHECK_FALSE(other.statvfs);
    CHECK_FALSE(other.check_file);
}

TEST_CASE("limits that a server does not know, or exaggerates, are those that every server takes") {
    constexpr std::uint32_t unsupported = 8;
    const ServerFeatures unknown =
        features_of(hello({{"limits@openssh.com", "1"}}, 0, 0) + status(2, unsupported));
    CHECK_FALSE(unknown.check_file);
    CHECK_FALSE(unknown.is_proftpd);
    CHECK(unknown.write_size == 32768);
    CHECK(unknown.open_files == 64);
    const ServerFeatures huge = features_of(hello({{"limits@openssh.com", "1"}}, 1ULL << 40U, 1ULL << 40U) +
                                            status(2, reply_code::no_such_file));
    CHECK(huge.check_file);  // it has looked for the file that was asked about
    CHECK(huge.is_proftpd);
    CHECK(huge.write_size <= 262144);
    CHECK(huge.open_files <= 256);
}

}  // namespace mistamover::sftp
