// SPDX-License-Identifier: BSD-3-Clause
#include "stream/workers.hpp"

#include <doctest/doctest.h>

#include "fake_session.hpp"
#include "scratch.hpp"

namespace mistamover::stream {
namespace {

class IdleModule final : public TransferModule {
  public:
    std::unique_ptr<Session> open_session(SessionContext&) override {
        return std::make_unique<test::FakeSession>();
    }
};

config::StreamSettings workers_settings(const std::filesystem::path& directory) {
    config::StreamSettings settings;
    settings.directory = directory;
    settings.outgoing.publish = Publish::direct;
    return settings;
}

struct WorkersFixture {
    test::Scratch scratch;
    config::StreamSettings settings = workers_settings(scratch / "source");
    SourceDirectory source{settings};
    IdleModule module;
    logging::LogSocket socket{-1, logging::LogSocket::WhenFull::wait};
    CancelToken cancel;
    StreamSessionContext context{logging::Logger(socket, "fake_p", LogLevel::debug), cancel, 0,
                                 std::chrono::milliseconds{0}};
    Worker::Shared shared{source,  settings,           module,
                          context, ".mistamover-test", SourceMark(scratch.path(), settings.directory),
                          [] {}};
    Workers workers{shared, 3};

    void open_session_of(std::size_t index) {
        workers.at(index).start({});
        REQUIRE(test::eventually([&] { return workers.at(index).take_result().has_value(); }));
        REQUIRE(workers.at(index).has_session());
    }
};

}  // namespace

TEST_CASE("a job that goes alone is for a worker that has a session, else for the first") {
    WorkersFixture fixture;
    CHECK(&fixture.workers.for_one_alone() == &fixture.workers.at(0));
    fixture.open_session_of(2);
    CHECK(&fixture.workers.for_one_alone() == &fixture.workers.at(2));
    fixture.open_session_of(1);
    CHECK(&fixture.workers.for_one_alone() == &fixture.workers.at(1));
}

}  // namespace mistamover::stream
