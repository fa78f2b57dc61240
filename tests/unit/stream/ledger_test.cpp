// SPDX-License-Identifier: BSD-3-Clause
#include "stream/ledger.hpp"

#include <doctest/doctest.h>

#include "closed_directory.hpp"
#include "scratch.hpp"
#include "stream/handshake_journal.hpp"
#include "stream/handshake_recovery.hpp"

namespace mistamover::stream {
namespace {

using test::read_file;
using test::write_file;
using namespace std::chrono_literals;

const Status unit_denied{StatusCode::permission, StatusScope::item, "denied"};

config::StreamSettings ledger_settings(const std::filesystem::path& directory, TransferMode mode) {
    config::StreamSettings settings;
    settings.directory = directory;
    settings.completion_file = "END";
    settings.outgoing.mode = mode;
    settings.outgoing.quarantine_dir = directory / "quarantine";
    settings.outgoing.retry_count = 3;
    settings.outgoing.retry_delay = 10s;
    settings.outgoing.control_file_extension = "ctrl";
    settings.outgoing.exclude = {"*.part"};
    return settings;
}

struct LedgerFixture {
    test::Scratch scratch;
    config::StreamSettings settings;
    SourceDirectory source{settings};
    logging::LogSocket socket{-1, logging::LogSocket::WhenFull::wait};
    logging::Logger log{socket, "dtc_p", LogLevel::debug};
    UnitQueue queue;
    Ledger ledger;
    Ledger::Clock::time_point now = Ledger::Clock::now();

    explicit LedgerFixture(bool one_off = false, TransferMode mode = TransferMode::move)
        : settings(ledger_settings(scratch.path(), mode)), ledger(settings, one_off, source, queue, log) {
        write_file(scratch / "unit", "content");
        queue.add({"unit", {}});
        take();
    }
    void take() { REQUIRE(queue.take(1, 1, now).size() == 1); }
    void ends(Outcome outcome, const Status& status = {}, const std::string& name = "unit") {
        UnitResult result;
        result.name = name;
        result.outcome = outcome;
        result.status = status;
        result.bytes = 7;
        ledger.take_in({result}, now);
    }
    // Fails, and is taken for the next try, so often.
    void fails(int times) {
        for (int i = 0; i < times; ++i) {
            ends(Outcome::failed, unit_denied);
            now += 10s;
            if (queue.size() > 0) {
                take();
            }
        }
    }
    [[nodiscard]] std::string quarantined() const { return read_file(scratch / "quarantine/unit"); }
};

}  // namespace

TEST_CASE("what was delivered is counted and forgotten") {
    LedgerFixture fixture;
    std::filesystem::remove(fixture.scratch / "unit");
    fixture.ends(Outcome::delivered);
    CHECK(fixture.ledger.delivered_units() == 1);
    CHECK(fixture.ledger.delivered_bytes() == 7);
    CHECK(fixture.queue.size() == 0);
    CHECK_FALSE(fixture.ledger.completion_seen());
}

TEST_CASE("a new unit that has taken the name of one whose end is told is not forgotten") {
    for (const Outcome outcome : {Outcome::delivered, Outcome::vanished}) {
        LedgerFixture fixture;
        fixture.ends(outcome);
        CHECK(fixture.queue.due(fixture.now) == 1);
    }
    LedgerFixture fixture;
    std::filesystem::remove(fixture.scratch / "unit");
    fixture.ends(Outcome::vanished);
    CHECK(fixture.queue.size() == 0);
}

TEST_CASE("where it cannot be told whether something has taken the name, it is looked at again") {
    LedgerFixture fixture;
    {
        const test::ClosedDirectory closed(fixture.scratch.path());
        fixture.ends(Outcome::delivered);
    }
    CHECK(fixture.queue.due(fixture.now) == 1);
}

TEST_CASE("a unit that fails is tried retry_count times, after a pause each, and then quarantined") {
    LedgerFixture fixture;
    fixture.ends(Outcome::failed, unit_denied);
    CHECK(fixture.queue.due(fixture.now) == 0);
    fixture.queue.add({"unit", {}});  // a change is no reason to be faster
    CHECK(fixture.queue.due(fixture.now) == 0);
    fixture.now += 10s;
    fixture.take();
    fixture.fails(1);
    CHECK(fixture.quarantined().empty());
    CHECK(fixture.ledger.last_error().find("unit: denied (permission), try 2 of 3") == 0);
    fixture.fails(1);
    CHECK(fixture.quarantined() == "content");
    CHECK(fixture.ledger.quarantined() == 1);
    CHECK(fixture.queue.size() == 0);
    CHECK(fixture.ledger.last_error_time() > 0);
}

TEST_CASE("what is no fault of the unit never counts") {
    LedgerFixture fixture;
    fixture.fails(2);
    for (const Outcome outcome :
         {Outcome::not_tried, Outcome::changed, Outcome::being_written, Outcome::settling, Outcome::held}) {
        for (int i = 0; i < 5; ++i) {
            fixture.ends(outcome);
            fixture.now += 1min;
            fixture.take();
        }
    }
    CHECK(std::filesystem::exists(fixture.scratch / "unit"));
    fixture.fails(1);
    CHECK(fixture.quarantined() == "content");
}

TEST_CASE("a unit that is written on and on is looked at ever more seldom, until it changes") {
    LedgerFixture fixture;
    for (const auto pause : {3s, 6s, 12s, 24s, 48s, 60s, 60s}) {
        fixture.ends(Outcome::being_written);
        CHECK(fixture.queue.next_due() == fixture.now + pause);
        fixture.now += pause;
        fixture.take();
    }
    fixture.ends(Outcome::being_written);
    fixture.queue.add({"unit", {}});
    fixture.take();
    fixture.ends(Outcome::being_written);
    CHECK(fixture.queue.next_due() == fixture.now + 3s);
}

TEST_CASE("what the journal recovers and the configuration excludes by now is not sent again") {
    for (const Outcome outcome :
         {Outcome::failed, Outcome::changed, Outcome::not_tried, Outcome::being_written, Outcome::settling,
          Outcome::held, Outcome::displaced, Outcome::delivered, Outcome::vanished}) {
        CAPTURE(static_cast<int>(outcome));
        LedgerFixture fixture;
        write_file(fixture.scratch / "x.part", "hello");
        HandshakeJournal(fixture.source, fixture.settings.outgoing)
            .write({"x.part", 5, "sum", ".x.part.1.00.rcpt"});
        for (const Candidate& unit : recover_handshakes(fixture.source, fixture.settings.outgoing).units) {
            fixture.queue.add_in_flight(unit);
        }
        REQUIRE(fixture.queue.in_flight() == 2);
        REQUIRE(fixture.queue.knows("x.part"));
        fixture.ends(outcome, unit_denied, "x.part");
        CHECK_FALSE(fixture.queue.knows("x.part"));
        CHECK(fixture.queue.in_flight() == 1);
        CHECK(read_file(fixture.scratch / "x.part") == "hello");
        const bool is_displaced = outcome == Outcome::displaced;
        CHECK(fixture.ledger.last_error().empty() == (outcome != Outcome::failed && !is_displaced));
        CHECK(fixture.ledger.quarantined() == (is_displaced ? 1 : 0));
    }
}

TEST_CASE("what can never be sent is quarantined at once") {
    LedgerFixture fixture(true);
    fixture.ends(Outcome::refused, unit_denied);
    CHECK(fixture.quarantined() == "content");
    REQUIRE(fixture.ledger.given_up().size() == 1);
    CHECK(fixture.ledger.given_up()[0].reason == "quarantined: denied");
}

TEST_CASE("a unit that cannot even be quarantined stays, and is tried again much later") {
    LedgerFixture fixture;
    write_file(fixture.scratch / "quarantine", "a file of the quarantine's name");
    fixture.fails(2);
    fixture.ends(Outcome::failed, unit_denied);
    CHECK(read_file(fixture.scratch / "unit") == "content");
    CHECK(fixture.queue.size() == 1);
    CHECK(fixture.queue.due(fixture.now + 1min) == 0);
    CHECK(fixture.queue.due(fixture.now + 1h) == 1);
}

TEST_CASE("a mirror gives up for a while, or until something changes, and touches no source") {
    LedgerFixture fixture(false, TransferMode::mirror);
    fixture.fails(2);
    fixture.ends(Outcome::failed, unit_denied);
    CHECK(read_file(fixture.scratch / "unit") == "content");
    CHECK(fixture.ledger.quarantined() == 0);
    CHECK(fixture.queue.due(fixture.now) == 0);
    fixture.queue.add({"unit", {}});
    CHECK(fixture.queue.due(fixture.now) == 1);
}

TEST_CASE("the completion file is seen when it was delivered, not when it failed") {
    LedgerFixture fixture;
    fixture.queue.add({"END", {}});
    fixture.take();
    fixture.ends(Outcome::changed, {}, "END");
    CHECK_FALSE(fixture.ledger.completion_seen());
    fixture.now += 10s;
    fixture.take();
    fixture.ends(Outcome::delivered, {}, "END");
    CHECK(fixture.ledger.completion_seen());
}

TEST_CASE("a unit that was delivered, of which something could not be deleted, is left and not sent again") {
    for (const bool one_off : {false, true}) {
        LedgerFixture fixture(one_off);
        std::filesystem::remove(fixture.scratch / "unit");
        fixture.ends(Outcome::left_over, {StatusCode::local_io, StatusScope::item, "in part"});
        CHECK(fixture.queue.size() == 0);
        CHECK(fixture.ledger.delivered_units() == 1);
        CHECK(fixture.ledger.quarantined() == 1);
        CHECK(fixture.ledger.last_error().find("in part") != std::string::npos);
        CHECK(fixture.ledger.given_up().size() == (one_off ? 1 : 0));
    }
}

TEST_CASE("a unit that changed and could not keep its name is told, and what has the name is sent") {
    for (const bool stays_aside : {false, true}) {
        LedgerFixture fixture;
        UnitResult unit;
        unit.name = "unit";
        note_removal(unit, {SourceDirectory::Removal::displaced,
                            {"unit", stays_aside ? "" : "unit.~1~", stays_aside ? "no room" : ""}});
        fixture.ledger.take_in({unit}, fixture.now);
        CHECK(fixture.ledger.quarantined() == (stays_aside ? 0 : 1));
        CHECK(fixture.ledger.last_error().find(stays_aside ? "set aside until the next start: no room"
                                                           : "it is in the quarantine as unit.~1~") !=
              std::string::npos);
        CHECK(fixture.ledger.delivered_units() == 0);
        CHECK(fixture.queue.due(fixture.now + 1min) == 1);
    }
    LedgerFixture one_off(true);
    one_off.ends(Outcome::displaced, unit_denied);
    one_off.queue.add({"x.part", {}});  // which the configuration excludes by now
    one_off.take();
    one_off.ends(Outcome::displaced, unit_denied, "x.part");
    REQUIRE(one_off.ledger.given_up().size() == 2);
    CHECK(one_off.ledger.given_up().front().name == "unit");
    CHECK(one_off.ledger.given_up().back().name == "x.part");
    CHECK(one_off.ledger.last_error().find("x.part: denied") == 0);
}

TEST_CASE("what is left of a delivered unit counts as quarantined only where it is") {
    for (const bool stays_aside : {false, true}) {
        LedgerFixture fixture;
        std::filesystem::remove(fixture.scratch / "unit");
        UnitResult unit;
        unit.name = "unit";
        note_removal(unit, {SourceDirectory::Removal::in_part,
                            {"unit", stays_aside ? "" : "unit", stays_aside ? "no room" : ""}});
        fixture.ledger.take_in({unit}, fixture.now);
        CHECK(fixture.ledger.delivered_units() == 1);
        CHECK(fixture.ledger.quarantined() == (stays_aside ? 0 : 1));
        CHECK(fixture.ledger.last_error().find(stays_aside ? "what is left of it stays set aside"
                                                           : "what is left of it is in the quarantine") !=
              std::string::npos);
    }
}

TEST_CASE("a unit that others were let go before is tried again later, in one-off not for ever") {
    const Status lost_again{StatusCode::connection_lost, StatusScope::session, "lost"};
    for (const bool one_off : {false, true}) {
        LedgerFixture fixture(one_off);
        for (unsigned passes = 0; passes < fixture.settings.outgoing.retry_count; ++passes) {
            fixture.ends(Outcome::passed_over, lost_again);
            CHECK(fixture.queue.due(fixture.now) == 0);
            fixture.now += 10s;
            fixture.take();
        }
        fixture.ends(Outcome::passed_over, lost_again);
        CHECK(fixture.ledger.passed_over_units() == 1);
        CHECK(fixture.quarantined().empty());
        CHECK(fixture.ledger.given_up().size() == (one_off ? 1 : 0));
        CHECK(fixture.queue.size() == (one_off ? 0 : 1));
    }
}

TEST_CASE("units that only shared an outage are no different from others when it is over") {
    for (const std::size_t units : {3U, 4U}) {
        LedgerFixture fixture;
        fixture.ends(Outcome::passed_over);
        for (std::size_t i = 1; i < units; ++i) {
            const std::string name = "unit " + std::to_string(i);
            fixture.queue.add({name, {}});
            fixture.take();
            fixture.ends(Outcome::passed_over, {}, name);
        }
        fixture.ledger.target_recovered();
        CHECK(fixture.queue.was_passed_over("unit") == (units == 3));
    }
}

TEST_CASE("what an earlier process has left is counted where it went to the quarantine, and told as it is") {
    for (const bool one_off : {false, true}) {
        LedgerFixture fixture(one_off);
        const Ledger& ledger = fixture.ledger;
        fixture.ledger.recovered({"back", "", ""}, false);
        CHECK(ledger.quarantined() == 0);
        CHECK(ledger.last_error().empty());
        CHECK(ledger.given_up().empty());
        fixture.ledger.recovered({"half", "half.~1~", ""}, true);
        CHECK(ledger.quarantined() == 1);
        CHECK(ledger.last_error().find("the rest of it is in the quarantine as half.~1~") !=
              std::string::npos);
        fixture.ledger.recovered({"stuck", "", "no space"}, false);
        CHECK(ledger.quarantined() == 1);
        CHECK(ledger.last_error().find("stuck: it stays set aside until the next start: no space") !=
              std::string::npos);
        CHECK(ledger.given_up().size() == (one_off ? 2 : 0));
    }
}

TEST_CASE("one-off leaves what can neither be delivered nor be put away") {
    LedgerFixture fixture(true);
    write_file(fixture.scratch / "quarantine", "in the way");
    fixture.ends(Outcome::refused, unit_denied);
    CHECK(fixture.queue.size() == 0);
    REQUIRE(fixture.ledger.given_up().size() == 1);
    CHECK(fixture.ledger.given_up().front().reason.find("denied") == 0);
    CHECK(read_file(fixture.scratch / "unit") == "content");
}

TEST_CASE(
    "one-off waits once for every unit to settle, late in a long run too, but not for one that changes on") {
    LedgerFixture fixture(true);
    fixture.now += 1h;
    fixture.ends(Outcome::settling);
    CHECK(fixture.queue.retries_pending());
    fixture.take();
    fixture.ends(Outcome::settling);
    CHECK_FALSE(fixture.queue.retries_pending());
}

}  // namespace mistamover::stream
