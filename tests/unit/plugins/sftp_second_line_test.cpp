// SPDX-License-Identifier: BSD-3-Clause
#include <atomic>
#include <chrono>
#include <cstdint>
#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "put_item.hpp"
#include "scratch.hpp"
#include "sftp/one_file.hpp"
#include "sftp/second_line.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

using mistamover::test::eventually;
using namespace std::chrono_literals;
using test::AnsweringChannel;
using test::FileAtServer;

/// A file to be shared, of which the session has written the start, and a server that keeps it.
struct SharedFile {
    explicit SharedFile(FileAtServer::Kind kind = FileAtServer::Kind::one)
        : content(make_content()), at_server(kind) {
        mistamover::test::write_file(directory / "f", content);
        const std::string root = directory.path().string();
        source =
            std::make_unique<SourceFile>(SourceRoot(root), mistamover::test::put_item(directory.path(), "f"));
        pieces.begin(0, content.size());
        OutputBuffer output;
        (void)at_server.answer(PacketType::open, 1, PacketReader(""), output);
        session_writes(start);
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
        made->on_request = [this](PacketType type, std::uint32_t id, PacketReader fields,
                                  OutputBuffer& output) {
            return at_server.answer(type, id, fields, output);
        };
        return made;
    }
    [[nodiscard]] std::unique_ptr<AnsweringChannel> channel_that_refuses(PacketType type,
                                                                         std::uint32_t code) {
        auto made = channel();
        made->refusals[type] = code;
        made->on_request = [this, type](PacketType asked, std::uint32_t id, PacketReader fields,
                                        OutputBuffer& output) {
            return asked != type && at_server.answer(asked, id, fields, output);
        };
        return made;
    }
    void session_writes(std::size_t most) {
        const auto piece = pieces.take(most);
        if (!piece) {
            return;
        }
        OutputBuffer packet;
        PacketWriter(packet, PacketType::write)
            .number(1)
            .text("0")
            .long_number(piece->offset)
            .text(std::string_view(content).substr(piece->offset, piece->size));
        PacketReader fields(packet.view().substr(sizeof(std::uint32_t)));
        (void)fields.type();
        (void)fields.number();
        OutputBuffer output;
        (void)at_server.answer(PacketType::write, 1, fields, output);
        pieces.confirm(*piece);
    }
    /// The session writes slowly until this is so.
    bool session_writes_until(const std::function<bool()>& condition) {
        return eventually([&] {
            if (!condition() && pieces.left() > content.size() / 2) {
                session_writes(compared_at_once);
            }
            return condition();
        });
    }
    [[nodiscard]] std::unique_ptr<SecondLine> line(Connections& connections) {
        auto spare = connections.take_spare();
        REQUIRE(spare);
        return std::make_unique<SecondLine>(std::move(*spare), context, "/t/temp", *source, pieces);
    }
    /// What goes wrong with a line that `connect` makes: it says so, and leaves everything to the session.
    void check_leaves_all(Connections::Connect connect) {
        Connections connections(2, std::move(connect));
        const auto second = line(connections);
        CHECK(session_writes_until([&] {
            auto spare = connections.take_spare();
            return !spare;
        }));
        CHECK(second->finish().failure.ok());
        CHECK(second->bytes_sent() == 0);
        while (pieces.left() > 0) {
            session_writes(compared_at_once);
        }
        CHECK(pieces.confirmed() == content.size());
    }

    static constexpr std::size_t start = 64UL * 1024;

    mistamover::test::Scratch directory;
    std::string content;
    FileAtServer at_server;
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
    const auto line = file.line(connections);
    CHECK_FALSE(connections.take_spare());
    CHECK(file.session_writes_until([&] { return line->bytes_sent() > 0; }));
    CHECK(eventually([&] { return file.pieces.left() == 0; }));
    CHECK(line->finish().failure.ok());
    CHECK(line->bytes_sent() > file.content.size() / 3);
    CHECK(connections.take_spare());
    CHECK(file.pieces.confirmed() == file.content.size());
    CHECK((file.at_server.content() == file.content));
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
            return file.channel_that_refuses(PacketType::open, reply_code::permission_denied);
        });
    }
    SUBCASE("a refusal to write") {
        file.check_leaves_all([&](border::SessionContext&) {
            return file.channel_that_refuses(PacketType::write, reply_code::failure);
        });
    }
    SUBCASE("a broken connection") {
        file.check_leaves_all([&](border::SessionContext&) {
            return file.channel_that_refuses(PacketType::write, AnsweringChannel::breaks);
        });
    }
}

TEST_CASE(
    "a second line writes nothing where its handle is not the session's file, which is of no use then") {
    for (const auto kind :
         {FileAtServer::Kind::emptied_when_opened, FileAtServer::Kind::copy_of_each_handle}) {
        SharedFile file(kind);
        Connections::Clock::time_point now{};
        AnsweringChannel* asked = nullptr;
        int writes = 0;
        Connections connections(
            2,
            [&](border::SessionContext&) {
                auto channel = file.channel();
                asked = channel.get();
                channel->on_request = [&](PacketType type, std::uint32_t id, PacketReader fields,
                                          OutputBuffer& output) {
                    writes += type == PacketType::write ? 1 : 0;
                    return file.at_server.answer(type, id, fields, output);
                };
                return channel;
            },
            [&] { return now; });
        const auto line = file.line(connections);
        CHECK(file.session_writes_until([&] { return line->has_failed(); }));
        const SecondLine::End end = line->finish();
        CHECK_FALSE(end.failure.ok());
        CHECK(end.failure.scope() == StatusScope::session);
        CHECK_FALSE(end.is_break);
        CHECK(writes == 0);
        CHECK(line->bytes_sent() == 0);
        now += std::chrono::hours(24);
        CHECK_FALSE(connections.take_spare());
    }
}

TEST_CASE("a file that was being opened once more when the connection broke is not good") {
    SharedFile file;
    PacketType breaks_at = PacketType::open;
    SUBCASE("before the answer") {}
    SUBCASE("before it was found to be the same") {
        breaks_at = PacketType::fstat;
    }
    Connections connections(1, [&](border::SessionContext&) {
        return file.channel_that_refuses(breaks_at, AnsweringChannel::breaks);
    });
    const auto line = file.line(connections);
    CHECK(eventually([&] { return line->has_failed(); }));
    const SecondLine::End end = line->finish();
    CHECK(end.failure.code() == StatusCode::connection_lost);
    CHECK_FALSE(end.is_break);
}

TEST_CASE("a second line that comes too late is given up, and not held against the server") {
    SharedFile file;
    Connections connections(1, [](border::SessionContext& context) -> std::unique_ptr<ByteChannel> {
        (void)eventually([&] { return context.cancelled(); });
        throw StatusError({StatusCode::cancelled, StatusScope::session, "cancelled"});
    });
    const auto line = file.line(connections);
    while (file.pieces.take(1U << 20U)) {
    }
    CHECK(line->finish().failure.ok());
    CHECK(line->bytes_sent() == 0);
    CHECK(connections.take_spare());
}

TEST_CASE(
    "a second line takes nothing where the sessions need its connection, and counts until it has ended") {
    SharedFile file;
    std::atomic<bool> has_gone{false};
    Connections connections(1, [&](border::SessionContext&) {
        auto channel = file.channel();
        const std::shared_ptr<void> with_it(nullptr, [&](void*) { has_gone = true; });
        channel->on_wait = [with_it](OutputBuffer&) {};
        return channel;
    });
    const auto line = file.line(connections);
    {
        const Connections::Counted session(connections);
        CHECK(eventually([&] { return has_gone.load(); }));
    }
    CHECK(eventually([&] { return connections.take_spare().has_value(); }));
    CHECK(line->finish().failure.ok());
    CHECK(file.pieces.left() == file.content.size() - SharedFile::start);
}

TEST_CASE("a file that cannot be closed on a second line is in doubt") {
    SharedFile file;
    Connections connections(1, [&](border::SessionContext&) {
        return file.channel_that_refuses(PacketType::close, reply_code::failure);
    });
    const auto line = file.line(connections);
    CHECK(file.session_writes_until([&] { return line->bytes_sent() > 0; }));
    CHECK(eventually([&] { return file.pieces.left() == 0; }));
    const SecondLine::End end = line->finish();
    CHECK(end.failure.code() == StatusCode::no_space);
    CHECK_FALSE(end.is_break);
}

TEST_CASE("a second line waits for a slow close, and one without an answer is a broken connection") {
    SharedFile file;
    file.context.stall_ms = 20;
    bool answers = true;
    SUBCASE("it is answered") {}
    SUBCASE("it is not") {
        answers = false;
    }
    std::optional<std::uint32_t> due;
    std::chrono::steady_clock::time_point asked_at;
    Connections connections(1, [&](border::SessionContext&) {
        auto channel = file.channel();
        channel->answers[PacketType::close] = [&](OutputBuffer&, std::uint32_t id) {
            due = id;
            asked_at = std::chrono::steady_clock::now();
        };
        channel->on_wait = [&](OutputBuffer& output) {
            if (answers && due && std::chrono::steady_clock::now() - asked_at >= 150ms) {
                PacketWriter(output, PacketType::status)
                    .number(*std::exchange(due, std::nullopt))
                    .number(reply_code::ok);
            }
        };
        return channel;
    });
    const auto line = file.line(connections);
    CHECK(file.session_writes_until([&] { return line->bytes_sent() > 0; }));
    CHECK(eventually([&] { return file.pieces.left() == 0; }));
    const SecondLine::End end = line->finish();
    CHECK(end.failure.ok() == answers);
    CHECK(end.is_break != answers);
    if (!answers) {
        CHECK(end.failure.code() == StatusCode::timed_out);
        CHECK(end.failure.scope() == StatusScope::session);
    }
}

TEST_CASE("a connection that breaks with what it had confirmed is as a broken one of the session") {
    SharedFile file;
    Connections connections(1, [&](border::SessionContext&) {
        auto channel = file.channel();
        auto writes = std::make_shared<int>(0);
        AnsweringChannel& made = *channel;
        channel->answers[PacketType::write] = [&made, writes](OutputBuffer& output, std::uint32_t id) {
            PacketWriter(output, PacketType::status).number(id).number(reply_code::ok);
            if (++*writes == 20) {
                made.refusals[PacketType::write] = AnsweringChannel::breaks;
            }
        };
        return channel;
    });
    const auto line = file.line(connections);
    CHECK(file.session_writes_until([&] { return line->has_failed(); }));
    const SecondLine::End end = line->finish();
    CHECK(end.is_break);
    CHECK(end.failure.code() == StatusCode::connection_lost);
    CHECK(file.pieces.left() > 0);
}

TEST_CASE("a source that a second line cannot read fails the file, and is not held against the server") {
    SharedFile file;
    std::atomic<bool> asked{false};
    Connections connections(1, [&](border::SessionContext&) {
        auto channel = file.channel();
        channel->on_request = [&](PacketType type, std::uint32_t id, PacketReader fields,
                                  OutputBuffer& output) {
            if (type == PacketType::write && !asked.exchange(true)) {
                file.pieces.give_back({1ULL << 63U, 1000});
            }
            return file.at_server.answer(type, id, fields, output);
        };
        return channel;
    });
    const auto line = file.line(connections);
    CHECK(file.session_writes_until([&] { return asked.load(); }));
    CHECK(eventually([&] { return line->has_failed(); }));
    const SecondLine::End end = line->finish();
    CHECK_FALSE(end.failure.ok());
    CHECK_FALSE(end.is_break);
    CHECK(connections.take_spare());
}

}  // namespace mistamover::sftp
