// SPDX-License-Identifier: BSD-3-Clause
#include "stream/unit_intake.hpp"

#include <doctest/doctest.h>

#include "closed_directory.hpp"
#include "scratch.hpp"

namespace mistamover::stream {
namespace {

using test::write_file;
using namespace std::chrono_literals;

config::StreamSettings intake_settings(const std::filesystem::path& directory, TransferMode mode) {
    config::StreamSettings settings;
    settings.directory = directory;
    settings.outgoing.mode = mode;
    settings.outgoing.quarantine_dir = directory / "quarantine";
    settings.global.general_poll_interval = 10ms;
    return settings;
}

struct IntakeFixture {
    test::Scratch scratch;
    config::StreamSettings settings;
    SourceDirectory source{settings};
    logging::LogSocket socket{-1, logging::LogSocket::WhenFull::wait};
    logging::Logger log{socket, "dtc_p", LogLevel::debug};
    process::EventLoop loop;
    UnitQueue queue;
    Ledger ledger{settings, false, source, queue, log};
    int news = 0;
    UnitIntake intake{loop, settings, source, queue, ledger, [this] { note_news(); }};

    explicit IntakeFixture(TransferMode mode = TransferMode::move)
        : settings(intake_settings(scratch.path(), mode)) {}
    void note_news() {
        ++news;
        if (queue.size() > 0) {
            loop.stop();
        }
    }
};

}  // namespace

TEST_CASE("what is told of becomes known where it is a unit and is there") {
    IntakeFixture fixture;
    write_file(fixture.scratch / "f", "f");
    write_file(fixture.scratch / ".hidden", "hidden");
    const auto before = UnitIntake::Clock::now();
    fixture.intake.changed({"f", ".hidden", "gone"});
    CHECK(fixture.queue.size() == 1);
    CHECK(fixture.queue.knows("f"));
    CHECK(fixture.news == 1);
    CHECK(fixture.intake.news_at() >= before);
}

TEST_CASE("what is told of becomes known, too, where it cannot be told whether it is there") {
    IntakeFixture fixture;
    write_file(fixture.scratch / "f", "f");
    {
        const test::ClosedDirectory closed(fixture.scratch.path());
        fixture.intake.changed({"f"});
    }
    CHECK(fixture.queue.size() == 1);
    CHECK(fixture.queue.knows("f"));
}

TEST_CASE("of a mirror the whole directory is the one unit") {
    IntakeFixture fixture(TransferMode::mirror);
    fixture.intake.changed({".hidden"});
    CHECK(fixture.queue.size() == 0);
    fixture.intake.changed({"gone"});
    CHECK(fixture.queue.knows(whole_directory));
    fixture.intake.look();
    CHECK(fixture.queue.size() == 1);
}

TEST_CASE("what is held is known once it is released, if it is there then") {
    IntakeFixture fixture;
    write_file(fixture.scratch / "stays", "stays");
    write_file(fixture.scratch / "goes", "goes");
    fixture.intake.look();
    const std::vector<std::string> both{"stays", "goes"};
    CHECK(fixture.intake.hold(both) == both);
    fixture.intake.look();
    CHECK(fixture.queue.size() == 0);
    std::filesystem::remove(fixture.scratch / "goes");
    fixture.intake.release();
    CHECK(fixture.queue.size() == 1);
    CHECK(fixture.queue.knows("stays"));
}

TEST_CASE("a directory that cannot be listed is told of once, until it could be listed again") {
    IntakeFixture fixture;
    const std::string other = "another error";
    for (int times = 0; times < 2; ++times) {
        fixture.ledger.note_error(other);
        {
            const test::ClosedDirectory closed(fixture.scratch.path());
            fixture.intake.look();
            CHECK(fixture.ledger.last_error().find(fixture.scratch.path().string()) != std::string::npos);
            fixture.ledger.note_error(other);
            fixture.intake.look();
            CHECK(fixture.ledger.last_error() == other);
        }
        fixture.intake.look();
        CHECK(fixture.ledger.last_error() == other);
    }
}

TEST_CASE("a directory that is not watched is looked at again and again") {
    IntakeFixture fixture;
    fixture.intake.set_watched(false);
    CHECK(fixture.news == 1);
    write_file(fixture.scratch / "f", "f");
    const auto give_up = fixture.loop.call_after(60s, [&] { fixture.loop.stop(); });
    fixture.loop.run();
    fixture.loop.cancel(give_up);
    CHECK(fixture.queue.knows("f"));
}

}  // namespace mistamover::stream
