// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <mistamover/transfer_module.hpp>

#include "sftp/packet.hpp"

namespace mistamover::sftp {
namespace {

using namespace std::string_view_literals;

template <typename Call>
StatusCode code_thrown_by(Call&& call) {
    try {
        call();
    } catch (const StatusError& error) {
        return error.status().code();
    }
    return StatusCode::ok;
}

}  // namespace

TEST_CASE("a packet is written with its length before it, and numbers with the high byte first") {
    OutputBuffer output;
    PacketWriter(output, PacketType::open).number(7).text("ab").long_number(0x0102030405060708);
    CHECK(output.view() ==
          "\0\0\0\x13\x03\0\0\0\x07\0\0\0\x02"
          "ab\x01\x02\x03\x04\x05\x06\x07\x08"sv);
    output.consume(4);
    CHECK(output.size() == 19);
}

TEST_CASE("attributes are written with those that are known, and read back with whatever a server adds") {
    OutputBuffer output;
    PacketWriter(output, PacketType::attributes).attributes({5, 0100644, 1'000'000'000});
    PacketReader reader(output.view().substr(4));
    CHECK(reader.type() == PacketType::attributes);
    const Attributes read = reader.attributes();
    CHECK(read.size == 5);
    CHECK(read.mode == 0100644);
    CHECK(read.mtime == 1'000'000'000);
    CHECK(reader.at_end());
    // Owner and group, times, and an extended pair; no size.
    PacketReader other(
        "\x80\0\0\x0a\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x01\0\0\0\x01x\0\0\0\x01y!"sv);
    const Attributes more = other.attributes();
    CHECK_FALSE(more.size);
    CHECK(more.mtime == 4);
    CHECK(other.rest() == "!");
}

TEST_CASE("what a server tells of an entry becomes kind, size and whole seconds") {
    const EntryInfo file = info_of({5, S_IFREG | 0640, 12});
    CHECK(file.kind == EntryKind::file);
    CHECK(file.size == 5);
    CHECK(file.mode == 0640);
    CHECK(file.mtime_ns == 12'000'000'000);
    CHECK(file.mtime_precision_ns == 1'000'000'000);
    CHECK(info_of({{}, S_IFDIR, {}}).kind == EntryKind::directory);
    CHECK(info_of({{}, S_IFLNK, {}}).kind == EntryKind::symlink);
    const EntryInfo unknown = info_of({});
    CHECK(unknown.kind == EntryKind::other);
    CHECK(unknown.mtime_precision_ns == 0);
}

TEST_CASE("a packet that is shorter than its fields is corrupt, not read beyond") {
    CHECK(code_thrown_by([] { PacketReader("\0\0\0"sv).number(); }) == StatusCode::corrupt);
    CHECK(code_thrown_by([] {
              PacketReader(
                  "\0\0\0\x05"
                  "abcd"sv)
                  .text();
          }) == StatusCode::corrupt);
    CHECK(code_thrown_by([] { PacketReader("\0\0\0\x01\0\0\0\0"sv).attributes(); }) == StatusCode::corrupt);
    CHECK(code_thrown_by([] { PacketReader(""sv).type(); }) == StatusCode::corrupt);
}

TEST_CASE("packets are cut out of a stream wherever it is divided") {
    const std::string stream("\0\0\0\x02\x65x\0\0\0\x01\x66", 11);
    for (std::size_t divided = 0; divided <= stream.size(); ++divided) {
        PacketSplitter splitter;
        std::vector<std::string> packets;
        for (const std::string& part : {stream.substr(0, divided), stream.substr(divided)}) {
            splitter.feed(part);
            while (const auto packet = splitter.next()) {
                packets.emplace_back(*packet);
            }
        }
        CHECK(packets == std::vector<std::string>{"\x65x", "\x66"});
    }
}

TEST_CASE("what a login shell prints is not taken for a packet") {
    PacketSplitter splitter;
    splitter.feed("Welcome to this host!\n");
    CHECK(code_thrown_by([&] { (void)splitter.next(); }) == StatusCode::configuration);
    PacketSplitter empty;
    empty.feed("\0\0\0\0"sv);
    CHECK(code_thrown_by([&] { (void)empty.next(); }) == StatusCode::configuration);
}

TEST_CASE("what is no packet is a broken connection once the server is known to speak SFTP") {
    PacketSplitter splitter;
    splitter.connected();
    splitter.feed("Connection to host closed.\n");
    Status status;
    try {
        (void)splitter.next();
    } catch (const StatusError& error) {
        status = error.status();
    }
    CHECK(status.code() == StatusCode::corrupt);
    CHECK(status.scope() == StatusScope::session);
    CHECK_FALSE(status.outcome_known());
}

TEST_CASE("an output buffer keeps its order while it grows, is cut and is taken from") {
    OutputBuffer output;
    std::string expected;
    for (int round = 0; round < 50; ++round) {
        const std::string piece(static_cast<std::size_t>(round) * 997, static_cast<char>('a' + round % 26));
        output.append(piece);
        expected += piece;
        const std::size_t taken = expected.size() / 3;
        CHECK(output.view().substr(0, taken) == std::string_view(expected).substr(0, taken));
        output.consume(taken);
        expected.erase(0, taken);
    }
    CHECK(output.view() == expected);
    output.cut(10);
    CHECK(output.view() == expected.substr(0, 10));
    output.consume(10);
    CHECK(output.size() == 0);
}

}  // namespace mistamover::sftp
