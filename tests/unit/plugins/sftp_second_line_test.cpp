// SPDX-License-Identifier: BSD-3-Clause
#include <cstdint>
#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "scratch.hpp"
#include "sftp/second_line.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

using mistamover::test::eventually;
using test::AnsweringChannel;

/// A file to be shared, and a server that keeps what is written to it.
struct SharedFile {
    SharedFile() : content(make_content()), at_server(content.size(), '\0') {
        mistamover::test::write_file(directory / "f", content);
        struct stat found = {};
        REQUIRE(::lstat((directory / "f").c_str(), &found) == 0);
        PutItem item;
        item.path = "f";
        item.kind = EntryKind::file;
        item.size = content.size();
        item.mtime_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
        item.device = found.st_dev;
        item.inode = found.st_ino;
        const std::string root = directory.path().string();
        source = std::make_unique<SourceFile>(SourceRoot(root), item);
        pieces.begin(0, content.size());
    }
    static std::string make_content() {
        std::string text;
        for (std::uint32_t number = 0; text.size() < 3'000'000; ++number) {
            text += std::to_string(number) + ' ';
        }
        return text;
    }
    [[nodiscard]] std::unique_ptr<AnsweringChannel> channel() {
        auto made = std::make_unique<AnsweringChannel>();
        made->on_request = [this](PacketType type, std::uint32_t, PacketReader fields, OutputBuffer&) {
            if (type == PacketType::write) {
                (void)fields.text();
                const std::uint64_t offset = fields.long_number();
                const std::string_view data = fields.text();
                at_server.replace(offset, data.size(), data);
            }
            return false;
        };
        return made;
    }
    /// What goes wrong with a line that `connect` makes: it says so, and leaves everything to the session.
    void check_leaves_all(Connections::Connect connect) {
        Connections connections(2, std::move(connect));
        SecondLine line(connections, context, "/t/temp", *source, pieces);
        CHECK(eventually([&] { return !connections.has_spare(); }));
        CHECK(line.finish().ok());
        CHECK(pieces.left() == content.size());
        CHECK(pieces.confirmed() == 0);
        CHECK(line.bytes_sent() == 0);
    }

    mistamover::test::Scratch directory;
    std::string content;
    std::string at_server;
    std::unique_ptr<SourceFile> source;
    test::QuietContext context;
    Pieces pieces;
};

}  // namespace

TEST_CASE("pieces are taken once each, and count as confirmed from the start without a gap") {
    Pieces pieces;
    pieces.begin(100, 200);
    const auto first = pieces.take(30);
    const auto second = pieces.take(30);
    const auto third = pieces.take(100);
    REQUIRE((first && second && third));
    CHECK(first->offset == 100);
    CHECK(second->offset == 130);
    CHECK(third->size == 40);
    CHECK_FALSE(pieces.take(1));
    CHECK(pieces.left() == 0);
    CHECK(pieces.confirmed() == 100);
    pieces.confirm(*third);
    CHECK(pieces.confirmed() == 100);
    pieces.confirm(*first);
    CHECK(pieces.confirmed() == 130);
    pieces.give_back(*second);
    CHECK(pieces.left() == 30);
    const auto half = pieces.take(10);
    REQUIRE(half);
    CHECK(half->offset == 130);
    pieces.confirm(*half);
    CHECK(pieces.confirmed() == 140);
    const auto rest = pieces.take(100);
    REQUIRE(rest);
    CHECK(rest->size == 20);
    CHECK_FALSE(pieces.take(1));
    pieces.confirm(*rest);
    CHECK(pieces.confirmed() == 200);
}

TEST_CASE("a second line sends what nobody else does") {
    SharedFile file;
    Connections connections(1, [&](border::SessionContext&) { return file.channel(); });
    CHECK(connections.has_spare());
    {
        SecondLine line(connections, file.context, "/t/temp", *file.source, file.pieces);
        CHECK_FALSE(connections.has_spare());
        CHECK(eventually([&] { return file.pieces.left() == 0; }));
        CHECK(line.finish().ok());
        CHECK(line.bytes_sent() == file.content.size());
    }
    CHECK(connections.has_spare());
    CHECK(file.pieces.confirmed() == file.content.size());
    CHECK((file.at_server == file.content));
}

TEST_CASE("what a second line cannot send is left to the session") {
    SharedFile file;
    SUBCASE("no connection") {
        file.check_leaves_all([](border::SessionContext&) -> std::unique_ptr<ByteChannel> {
            throw StatusError({StatusCode::unreachable, StatusScope::session, "refused"});
        });
    }
    SUBCASE("a refusal to open") {
        file.check_leaves_all([&](border::SessionContext&) {
            auto channel = file.channel();
            channel->refusals[PacketType::open] = reply_code::permission_denied;
            return channel;
        });
    }
    SUBCASE("a refusal to write") {
        file.check_leaves_all([&](border::SessionContext&) {
            auto channel = file.channel();
            channel->refusals[PacketType::write] = reply_code::failure;
            return channel;
        });
    }
    SUBCASE("a broken connection") {
        file.check_leaves_all([&](border::SessionContext&) {
            auto channel = file.channel();
            channel->refusals[PacketType::write] = AnsweringChannel::breaks;
            return channel;
        });
    }
}

TEST_CASE("a second line that comes too late is given up, and not held against the server") {
    SharedFile file;
    Connections connections(1, [](border::SessionContext& context) -> std::unique_ptr<ByteChannel> {
        (void)eventually([&] { return context.cancelled(); });
        throw StatusError({StatusCode::cancelled, StatusScope::session, "cancelled"});
    });
    {
        SecondLine line(connections, file.context, "/t/temp", *file.source, file.pieces);
        while (file.pieces.take(1U << 20U)) {
        }
        CHECK(line.finish().ok());
        CHECK(line.bytes_sent() == 0);
    }
    CHECK(connections.has_spare());
}

TEST_CASE("a second line takes nothing where the sessions need its connection") {
    SharedFile file;
    Connections connections(1, [&](border::SessionContext&) { return file.channel(); });
    const Connections::Counted session(connections);
    SecondLine line(connections, file.context, "/t/temp", *file.source, file.pieces);
    CHECK(line.finish().ok());
    CHECK(file.pieces.left() == file.content.size());
}

TEST_CASE("a file that cannot be closed on a second line is in doubt") {
    SharedFile file;
    Connections connections(1, [&](border::SessionContext&) {
        auto channel = file.channel();
        channel->refusals[PacketType::close] = reply_code::failure;
        return channel;
    });
    SecondLine line(connections, file.context, "/t/temp", *file.source, file.pieces);
    CHECK(eventually([&] { return file.pieces.left() == 0; }));
    CHECK(line.finish().code() == StatusCode::no_space);
}

}  // namespace mistamover::sftp
