// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <chrono>
#include <deque>
#include <doctest/doctest.h>
#include <thread>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "sftp/pipeline.hpp"
#include "sftp/write_pace.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

using namespace std::chrono_literals;
using test::QuietContext;
using test::ScriptedChannel;

struct PipelineFixture {
    QuietContext context;
    ScriptedChannel channel;
    Pipeline pipeline{channel, context};
    std::vector<int> answered;

    void ask(int mark, std::chrono::milliseconds extra_patience = {}) {
        pipeline.request(
            PacketType::close, [](PacketWriter& packet) { packet.text("h"); },
            [this, mark](Reply& reply) { answered.push_back(reply.is_ok() ? mark : -mark); }, extra_patience);
    }
    Status pump() {
        try {
            pipeline.pump();
        } catch (const StatusError& error) {
            return error.status();
        }
        return {};
    }
};

}  // namespace

TEST_CASE("answers find their questions in whatever order they come") {
    PipelineFixture fixture;
    for (const int mark : {1, 2, 3}) {
        fixture.ask(mark);
    }
    CHECK(fixture.pipeline.in_flight() == 3);
    fixture.channel.answer(3, reply_code::ok);
    fixture.channel.answer(1, reply_code::permission_denied);
    fixture.channel.answer(2, reply_code::ok);
    fixture.pipeline.finish();
    CHECK(fixture.answered == std::vector<int>{3, -1, 2});
    CHECK(fixture.pipeline.in_flight() == 0);
}

TEST_CASE("an answer that nobody waits for breaks the connection, for good") {
    PipelineFixture fixture;
    fixture.ask(1);
    fixture.channel.answer(99, reply_code::ok);
    CHECK(fixture.pump().code() == StatusCode::corrupt);
    fixture.channel.answer(1, reply_code::ok);
    CHECK(fixture.pump().code() == StatusCode::corrupt);
    CHECK(fixture.answered.empty());
}

TEST_CASE("what a handler throws breaks the connection") {
    PipelineFixture fixture;
    fixture.pipeline.request(
        PacketType::close, [](PacketWriter&) {}, [](Reply&) { throw std::runtime_error("no"); });
    fixture.channel.answer(1, reply_code::ok);
    const Status status = fixture.pump();
    CHECK(status.code() == StatusCode::internal);
    CHECK(status.scope() == StatusScope::session);
}

TEST_CASE("a server that says nothing is given up after the stall timeout, with the outcome unknown") {
    PipelineFixture fixture;
    fixture.context.stall_ms = 20;
    fixture.ask(1);
    Status status;
    while (status.ok()) {
        status = fixture.pump();
        std::this_thread::yield();
    }
    CHECK(status.code() == StatusCode::timed_out);
    CHECK(status.scope() == StatusScope::session);
    CHECK_FALSE(status.outcome_known());
}

TEST_CASE("a request's own patience lasts until it is answered, and no longer") {
    PipelineFixture fixture;
    fixture.context.stall_ms = 20;
    fixture.ask(1, 1h);
    fixture.channel.answer(1, reply_code::ok);
    fixture.pipeline.finish();
    fixture.ask(2);
    Status status;
    while (status.ok()) {
        status = fixture.pump();
        std::this_thread::yield();
    }
    CHECK(status.code() == StatusCode::timed_out);
    CHECK(status.text() == "the server has not answered for 20ms");
}

TEST_CASE("an abandoned pipeline calls no handler any more") {
    PipelineFixture fixture;
    fixture.ask(1);
    fixture.pipeline.abandon();
    fixture.channel.answer(1, reply_code::ok);
    CHECK(fixture.pump().scope() == StatusScope::session);
    CHECK(fixture.answered.empty());
}

TEST_CASE("the versions are exchanged first, and the server's extensions are learned") {
    PipelineFixture fixture;
    OutputBuffer output;
    PacketWriter(output, PacketType::version)
        .number(3)
        .text("posix-rename@openssh.com")
        .text("1")
        .text("x")
        .text("");
    fixture.channel.incoming = output.view();
    std::vector<std::string> extensions;
    fixture.pipeline.start([&](std::string_view name, std::string_view data) {
        extensions.push_back(std::string(name) + '=' + std::string(data));
    });
    CHECK(extensions == std::vector<std::string>{"posix-rename@openssh.com=1", "x="});
    CHECK(fixture.channel.sent == std::string("\0\0\0\x05\x01\0\0\0\x03", 9));
}

TEST_CASE("a server of an older version is refused") {
    PipelineFixture fixture;
    OutputBuffer output;
    PacketWriter(output, PacketType::version).number(2);
    fixture.channel.incoming = output.view();
    CHECK_THROWS_AS(fixture.pipeline.start([](std::string_view, std::string_view) {}), StatusError);
}

TEST_CASE("pieces grow on a fast line, and shrink on one that is so slow that it might seem dead") {
    PieceSize piece(1 << 20);
    const std::size_t first = piece.bytes();
    piece.answered(1ms);
    CHECK(piece.bytes() == 2 * first);
    for (int count = 0; count < 20; ++count) {
        piece.answered(1ms);
    }
    const std::size_t largest = piece.bytes();
    CHECK(largest == 262'144);
    piece.answered(300ms);
    CHECK(piece.bytes() == largest);
    for (int count = 0; count < 20; ++count) {
        piece.answered(2s);
    }
    CHECK(piece.bytes() == 4096);
    PieceSize small(1000);
    small.answered(1ms);
    CHECK(small.bytes() == 1000);
    small.answered(2s);
    CHECK(small.bytes() == 1000);
}

TEST_CASE("as much is on its way as keeps the line busy, and not much more") {
    struct Line {
        const char* what;
        std::chrono::duration<double> way_and_back;
        double bytes_a_second;
        std::size_t fewest;
        std::size_t most;
    };
    for (const Line& line :
         {Line{"loopback", 200us, 300e6, 256 << 10, 256 << 10},
          Line{"slow and long", 50ms, 1e6, 256 << 10, 256 << 10},
          Line{"long", 50ms, 20e6, 1'900'000, 2'200'000}, Line{"too long", 500ms, 100e6, 4 << 20, 4 << 20}}) {
        INFO(line.what);
        using Clock = SendWindow::Clock;
        constexpr std::size_t piece = 32 << 10;
        struct Write {
            Clock::time_point asked;
            Clock::time_point answered;
        };
        SendWindow window;
        std::deque<Write> on_its_way;
        Clock::time_point now{1h};
        Clock::time_point line_is_free = now;
        std::size_t unanswered = 0;
        const auto duration = [](auto seconds) {
            return std::chrono::duration_cast<Clock::duration>(seconds);
        };
        while (now < Clock::time_point{1h} + 10s) {
            while (unanswered < window.bytes()) {
                line_is_free = std::max(line_is_free, now) +
                               duration(std::chrono::duration<double>(piece / line.bytes_a_second));
                on_its_way.push_back({now, line_is_free + duration(line.way_and_back)});
                unanswered += piece;
            }
            now = on_its_way.front().answered;
            window.answered(piece, on_its_way.front().asked, now);
            on_its_way.pop_front();
            unanswered -= piece;
        }
        CHECK(window.bytes() >= line.fewest);
        CHECK(window.bytes() <= line.most);
    }
}

}  // namespace mistamover::sftp
