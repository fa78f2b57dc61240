// SPDX-License-Identifier: BSD-3-Clause
#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <optional>
#include <thread>

#include <mistamover/transfer_module.hpp>

#include "scratch.hpp"
#include "sftp/connections.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

using namespace std::chrono_literals;
using mistamover::test::eventually;
using test::AnsweringChannel;
using test::QuietContext;

/// A server that lets in `most` at once, however many the stream may have.
struct NarrowServer {
    class Channel final : public ByteChannel {
      public:
        explicit Channel(NarrowServer& server) : server_(server) { ++server_.open; }
        Channel(const Channel&) = delete;
        Channel& operator=(const Channel&) = delete;
        ~Channel() override { --server_.open; }
        std::size_t send(std::string_view bytes) override { return answering_.send(bytes); }
        bool receive(PacketSplitter& to) override {
            if (server_.open > server_.most) {
                throw StatusError({server_.code, server_.scope, "refused"});
            }
            return answering_.receive(to);
        }
        void wait(bool, int, std::chrono::milliseconds) override {}

      private:
        NarrowServer& server_;
        AnsweringChannel answering_;
    };
    std::atomic<int> open{0};
    int most = 2;
    StatusCode code = StatusCode::unreachable;
    StatusScope scope = StatusScope::session;
    int asked = 0;
    Connections connections{4, [this](border::SessionContext&) {
                                ++asked;
                                return std::make_unique<Channel>(*this);
                            }};
};

/// A session, and a spare connection beside it that ends once it is needed, as a second line does.
struct SessionWithSpare {
    explicit SessionWithSpare(NarrowServer& server)
        : counted(server.connections), connection(server.connections.connect_session(context)) {
        auto spare = server.connections.take_spare();
        REQUIRE(spare);
        std::atomic<bool> is_up{false};
        line = std::jthread([this, &is_up, spare = std::move(spare)]() mutable {
            auto own = spare->connect(context);
            is_up = true;
            while (!spare->is_needed() && !ends) {
                std::this_thread::sleep_for(1ms);
            }
            own.reset();
            spare.reset();
        });
        REQUIRE(eventually([&] { return is_up.load(); }));
    }
    ~SessionWithSpare() { ends = true; }
    SessionWithSpare(const SessionWithSpare&) = delete;
    SessionWithSpare& operator=(const SessionWithSpare&) = delete;

    QuietContext context;
    Connections::Counted counted;
    std::unique_ptr<Connection> connection;
    std::atomic<bool> ends{false};
    std::jthread line;
};

}  // namespace

TEST_CASE("a session that the server does not let in beside a second line has it end, and comes in") {
    NarrowServer server;
    SessionWithSpare first(server);
    QuietContext context;
    const Connections::Counted counted(server.connections);
    const auto connection = server.connections.connect_session(context);
    CHECK(connection != nullptr);
    CHECK(server.open == 2);
    CHECK(server.asked == 4);
    CHECK_FALSE(server.connections.take_spare());
}

TEST_CASE("a session is not tried again where no second line is up, or none is to blame") {
    NarrowServer server;
    QuietContext context;
    SUBCASE("no second line") {
        server.most = 0;
        CHECK_THROWS_AS((void)server.connections.connect_session(context), StatusError);
        CHECK(server.asked == 1);
        CHECK(server.connections.take_spare());
    }
    SUBCASE("a failure of the stream") {
        SessionWithSpare first(server);
        server.scope = StatusScope::stream;
        server.code = StatusCode::authentication;
        CHECK_THROWS_AS((void)server.connections.connect_session(context), StatusError);
        CHECK(server.asked == 3);
        CHECK(server.connections.take_spare());
    }
}

TEST_CASE("a session that is cancelled does not wait for a second line to end") {
    NarrowServer server;
    server.most = 0;
    const auto spare = server.connections.take_spare();
    REQUIRE(spare);
    QuietContext context;
    std::jthread cancels([&] {
        std::this_thread::sleep_for(50ms);
        context.is_cancelled = true;
    });
    const auto begun = std::chrono::steady_clock::now();
    CHECK_THROWS_AS((void)server.connections.connect_session(context), StatusError);
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
}

TEST_CASE("for one session that opens one second line ends, not every one") {
    Connections connections(4, {});
    const Connections::Counted first(connections);
    const Connections::Counted second(connections);
    auto one = connections.take_spare();
    auto other = connections.take_spare();
    REQUIRE((one && other));
    CHECK_FALSE(connections.take_spare());
    CHECK_FALSE((one->is_needed() || other->is_needed()));
    std::optional<Connections::Counted> third(std::in_place, connections);
    CHECK(other->is_needed());
    CHECK_FALSE(one->is_needed());
    CHECK(other->is_needed());
    const Connections::Counted fourth(connections);
    CHECK(one->is_needed());
    other.reset();
    one.reset();
    CHECK_FALSE(connections.take_spare());
    third.reset();
    CHECK(connections.take_spare());
}

TEST_CASE("only so many are spare as there are, however many ask at once") {
    Connections connections(2, {});
    const Connections::Counted session(connections);
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> taken{0};
        std::atomic<int> asked{0};
        const auto take = [&] {
            const auto spare = connections.take_spare();
            taken += spare ? 1 : 0;
            ++asked;
            while (asked < 2) {
                std::this_thread::yield();
            }
        };
        std::jthread other(take);
        take();
        other.join();
        REQUIRE(taken == 1);
    }
}

TEST_CASE("where one spare connection has failed there is none for ten minutes, and then there is") {
    Connections::Clock::time_point now{};
    Connections connections(2, {}, [&] { return now; });
    auto spare = connections.take_spare();
    REQUIRE(spare);
    SUBCASE("it has failed") {
        spare->has_failed();
        spare.reset();
        now += 10min - 1s;
        CHECK_FALSE(connections.take_spare());
        now += 1s;
        CHECK(connections.take_spare());
    }
    SUBCASE("it is of no use at this server") {
        spare->is_of_no_use();
        spare->has_failed();
        spare.reset();
        now += 24h;
        CHECK_FALSE(connections.take_spare());
    }
}

TEST_CASE("with parallel_transfers: 1 there is one connection") {
    Connections connections(1, {});
    const Connections::Counted session(connections);
    CHECK_FALSE(connections.take_spare());
}

}  // namespace mistamover::sftp
