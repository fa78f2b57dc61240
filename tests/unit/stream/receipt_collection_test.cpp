// SPDX-License-Identifier: BSD-3-Clause
#include "stream/receipt_collection.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>

#include "closed_directory.hpp"
#include "fake_session.hpp"
#include "no_digests.hpp"
#include "scratch.hpp"
#include "stream/handshake_recovery.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

const std::string md5_of_hello = "5d41402abc4b2a76b9719d911017c592";

constexpr std::uintmax_t plenty = std::uintmax_t{1} << 40;

// A stream with the file "f", and what one worker needs for its handshake.
class Workbench {
  public:
    Workbench() { test::write_file(scratch / "f", "hello"); }

    // As a delivery does it.
    std::vector<Handshake> send(const std::vector<std::string>& names = {"f"}) {
        std::vector<Handshake> units(names.size());
        for (std::size_t i = 0; i < names.size(); ++i) {
            units[i].result.name = names[i];
            units[i].sent = look_at(source.fd(), names[i]).manifest;
        }
        last = delivery.send(units);
        return units;
    }
    // As a process finds them that is started after a crash.
    [[nodiscard]] std::vector<Handshake> recover() const {
        return recover_handshakes(source, settings.outgoing).handshakes;
    }
    void look(std::vector<Handshake>& handshakes) { last = receipts.look(handshakes); }
    void answer(const Handshake& handshake) {
        const arrivals::Control& control = handshake.state->control();
        const arrivals::Receipt receipt{control.data_name, arrivals::ReceiptStatus::success, control.size,
                                        control.checksum, ".f.thanks"};
        session.contents[control.receipt_name] = to_text(receipt);
        session.target[control.receipt_name] = {};
        session.target.erase('.' + control.data_name + ".ctrl");
        session.target.erase(control.data_name);
    }
    [[nodiscard]] std::size_t puts_of(const std::string& name) const {
        return static_cast<std::size_t>(
            std::count(session.calls.begin(), session.calls.end(), "put " + name));
    }
    [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(scratch / name); }

    test::Scratch scratch;
    config::StreamSettings settings = [this] {
        config::StreamSettings made;
        made.directory = scratch.path();
        made.outgoing.control_file_extension = "ctrl";
        made.outgoing.receipt_file_extension = "rcpt";
        made.outgoing.thankyou_file_extension = "thanks";
        made.outgoing.stop_file = ".stop";
        made.outgoing.checksum = "md5";
        made.outgoing.quarantine_dir = scratch / "quarantine";
        made.outgoing.target_uses_arrival_monitor = true;
        return made;
    }();
    SourceDirectory source{settings};
    test::FakeSession session;
    CancelToken cancel;
    std::uintmax_t free_bytes = plenty;
    ZipRoom room{[this](const std::filesystem::path&) {
        return std::filesystem::space_info{plenty, free_bytes, free_bytes};
    }};
    DirectoryDelivery directories{source, settings.outgoing, session, ".tmp", cancel, room};
    HandshakeDelivery delivery{source, settings.outgoing, session, directories, cancel};
    ReceiptCollection receipts{source, settings.outgoing, session, directories, delivery, cancel};
    Status last;
};

const Status lost{StatusCode::connection_lost, StatusScope::session, "lost"};

// The directory "d" and then "f", both answered; of "d" only its checksum can tell whether it is what was
// sent, and there is no room any more to make its zip file again.
std::vector<Handshake> send_and_lose_room(Workbench& bench, bool restarted) {
    test::write_file(bench.scratch / "d/file", "in a directory");
    std::vector<Handshake> units = bench.send({"d", "f"});
    if (restarted) {
        units = bench.recover();
        std::sort(units.begin(), units.end(), [](const Handshake& one, const Handshake& other) {
            return one.result.name < other.result.name;
        });
    } else {
        std::filesystem::permissions(bench.scratch / "d/file", std::filesystem::perms::owner_read);
    }
    REQUIRE(units.size() == 2);
    REQUIRE(units[0].result.name == "d");
    for (const Handshake& unit : units) {
        bench.answer(unit);
    }
    bench.free_bytes = 0;
    return units;
}

}  // namespace

TEST_CASE("data, journal, control file; receipt, deletion, thanks, and the journal goes last") {
    Workbench bench;
    std::vector<Handshake> units = bench.send();
    CHECK(bench.session.calls == std::vector<std::string>{"put f", "put .f.ctrl"});
    CHECK(units[0].state->control().checksum == md5_of_hello);
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    bench.answer(units[0]);
    bench.session.on_put = [&](const PutItem& item) {
        CHECK(item.path == ".f.thanks");
        CHECK_FALSE(bench.has("f"));
        CHECK(bench.has(".f.ctrl"));
    };
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::delivered);
    CHECK(bench.puts_of(".f.thanks") == 1);
    CHECK_FALSE(bench.has(".f.ctrl"));
}

TEST_CASE("no control file is written before the data is there") {
    Workbench bench;
    bench.session.failures["f"] = lost;
    const std::vector<Handshake> units = bench.send();
    CHECK(units[0].result.outcome == Outcome::not_tried);
    CHECK(bench.last.code() == StatusCode::connection_lost);
    CHECK_FALSE(bench.has(".f.ctrl"));
    CHECK(bench.puts_of(".f.ctrl") == 0);
}

TEST_CASE("what was sent before the session failed is announced, and need not be sent again") {
    Workbench bench;
    test::write_file(bench.scratch / "d/file", "in a directory");
    bench.session.failures["d.zip"] = lost;
    const std::vector<Handshake> units = bench.send({"d", "f"});
    CHECK(bench.last.code() == StatusCode::connection_lost);
    CHECK(units[0].result.outcome == Outcome::not_tried);
    CHECK(units[1].result.outcome == Outcome::awaiting_receipt);
    CHECK(bench.puts_of(".f.ctrl") == 1);
    CHECK(bench.has(".f.ctrl"));
    CHECK_FALSE(bench.has(".mistamover-zip/d.zip"));
}

TEST_CASE("a directory whose zip file has no room waits alone") {
    Workbench bench;
    test::write_file(bench.scratch / "d/file", "in a directory");
    std::vector<Handshake> units(2);
    for (std::size_t i = 0; i < units.size(); ++i) {
        units[i].result.name = i == 0 ? "d" : "f";
        units[i].sent = look_at(bench.source.fd(), units[i].result.name).manifest;
    }
    bench.free_bytes = 0;
    CHECK(bench.delivery.send(units).ok());
    CHECK(units[0].result.outcome == Outcome::no_room);
    CHECK(units[0].result.status.code() == StatusCode::no_space);
    CHECK(units[1].result.outcome == Outcome::awaiting_receipt);
    CHECK_FALSE(bench.has(".mistamover-zip/d.zip"));
}

TEST_CASE("what is given up before its digest is known is not announced") {
    Workbench bench;
    bench.cancel.cancel();
    const std::vector<Handshake> units = bench.send();
    CHECK(bench.last.code() == StatusCode::cancelled);
    CHECK(units[0].result.outcome == Outcome::not_tried);
    CHECK_FALSE(bench.has(".f.ctrl"));
    CHECK(bench.puts_of(".f.ctrl") == 0);
}

TEST_CASE("a receipt that an earlier process has thanked for may go just as it is seen") {
    Workbench bench;
    bench.answer(bench.send()[0]);
    std::filesystem::remove(bench.scratch / "f");
    std::vector<Handshake> units = bench.recover();
    REQUIRE(units.size() == 1);
    const std::string receipt = units[0].state->control().receipt_name;
    bench.session.contents.erase(receipt);
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    bench.session.target.erase(receipt);
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::delivered);
    CHECK_FALSE(bench.has(".f.ctrl"));
}

TEST_CASE("a process that gives up before it knows what is here leaves all of it to the next one") {
    Workbench bench;
    (void)bench.send();
    std::vector<Handshake> units = bench.recover();
    bench.answer(units[0]);
    bench.cancel.cancel();
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    CHECK(bench.puts_of(".f.thanks") == 0);
    CHECK(bench.has("f"));
    CHECK(bench.has(".f.ctrl"));
}

TEST_CASE(
    "after a control file whose fate is open nothing is sent again but that file, once it is missed twice") {
    Workbench bench;
    bench.session.failures[".f.ctrl"] = lost;
    std::vector<Handshake> units = bench.send();
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    CHECK(units[0].control_in_doubt);
    bench.session.failures.clear();

    SUBCASE("it never got there") {
        bench.look(units);
        CHECK(bench.puts_of(".f.ctrl") == 1);
        bench.look(units);
        CHECK(bench.puts_of(".f.ctrl") == 2);
        CHECK_FALSE(units[0].control_in_doubt);
    }
    SUBCASE("it is there") {
        bench.session.target[".f.ctrl"] = {};
        bench.look(units);
        CHECK_FALSE(units[0].control_in_doubt);
    }
    SUBCASE("the receiver takes the data meanwhile") {
        bench.look(units);
        bench.session.target.erase("f");
        bench.look(units);
        bench.look(units);
        CHECK(bench.puts_of(".f.ctrl") == 1);
    }
    SUBCASE("it has been answered already") {
        bench.answer(units[0]);
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
    }
    CHECK(bench.puts_of("f") == 1);
}

TEST_CASE("as long as none of a few is answered, many are not asked for, but for the longest pause at most") {
    Workbench bench;
    std::vector<std::string> names;
    for (int file = 0; file < 100; ++file) {
        names.push_back("f" + std::to_string(file));
        test::write_file(bench.scratch / names.back(), "hello");
    }
    std::vector<Handshake> units = bench.send(names);
    const auto count = [&](Outcome outcome) {
        return std::count_if(units.begin(), units.end(),
                             [&](const Handshake& unit) { return unit.result.outcome == outcome; });
    };
    bench.look(units);
    CHECK(bench.session.stats < 20);
    CHECK(count(Outcome::awaiting_receipt) == 100);

    SUBCASE("all are answered") {
        for (const Handshake& unit : units) {
            bench.answer(unit);
        }
        bench.look(units);
        CHECK(count(Outcome::delivered) == 100);
    }
    SUBCASE("a single one is answered") {
        bench.answer(units[1]);
        for (Handshake& unit : units) {
            unit.pause = bench.settings.outgoing.receipt_file_poll_interval;
        }
        bench.look(units);
        CHECK(units[1].result.outcome == Outcome::delivered);
        CHECK(count(Outcome::awaiting_receipt) == 99);
    }
}

TEST_CASE("where thanking fails it is done later, and the source is deleted once") {
    Workbench bench;
    std::vector<Handshake> units = bench.send();
    bench.answer(units[0]);
    bench.session.failures[".f.thanks"] = lost;
    bench.look(units);
    CHECK(bench.last.code() == StatusCode::connection_lost);
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    CHECK_FALSE(bench.has("f"));
    CHECK(bench.has(".f.ctrl"));
    test::write_file(bench.scratch / "f", "a new one");
    bench.session.failures.clear();
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::delivered);
    CHECK(bench.has("f"));
    CHECK_FALSE(bench.has(".f.ctrl"));
}

TEST_CASE("what has arrived but cannot be deleted is not thanked for before it is deleted or given up") {
    Workbench bench;
    std::vector<Handshake> units = bench.send();
    bench.answer(units[0]);
    test::write_file(bench.scratch / ".mistamover", "in the way");
    bench.look(units);
    CHECK(bench.last.ok());
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    CHECK(bench.puts_of(".f.thanks") == 0);
    CHECK(bench.has(".f.ctrl"));
    SUBCASE("deleted") {
        std::filesystem::remove(bench.scratch / ".mistamover");
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
        CHECK_FALSE(bench.has("f"));
    }
    SUBCASE("given up") {
        for (unsigned tries = 1; tries < bench.settings.outgoing.retry_count; ++tries) {
            bench.look(units);
        }
        CHECK(units[0].result.outcome == Outcome::refused);  // which the ledger puts into the quarantine
        CHECK(bench.has("f"));
    }
    CHECK(bench.puts_of(".f.thanks") == 1);
    CHECK_FALSE(bench.has(".f.ctrl"));
}

TEST_CASE("what has arrived is not thanked for while it cannot be told whether it is here") {
    for (const bool restarted : {false, true}) {
        CAPTURE(restarted);
        Workbench bench;
        std::vector<Handshake> units = bench.send();
        if (restarted) {
            units = bench.recover();
        }
        REQUIRE(units.size() == 1);
        bench.answer(units[0]);
        for (unsigned tries = 0; tries <= bench.settings.outgoing.retry_count; ++tries) {
            const test::ClosedDirectory closed(bench.scratch.path());
            bench.look(units);
            CHECK(bench.last.scope() == StatusScope::session);
            CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
        }
        CHECK(bench.puts_of(".f.thanks") == 0);
        CHECK(bench.has("f"));
        CHECK(bench.has(".f.ctrl"));
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
        CHECK(bench.puts_of(".f.thanks") == 1);
        CHECK_FALSE(bench.has("f"));
    }
}

TEST_CASE("what an earlier process has sent is deleted if it still has that checksum") {
    Workbench bench;
    (void)bench.send();
    std::vector<Handshake> units = bench.recover();
    REQUIRE(units.size() == 1);
    bench.answer(units[0]);

    SUBCASE("it has") {
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
        CHECK_FALSE(bench.has("f"));
    }
    SUBCASE("it has another") {
        test::write_file(bench.scratch / "f", "hullo");
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::changed);
        CHECK(bench.has("f"));
    }
    SUBCASE("more has come behind it") {
        test::write_file(bench.scratch / "f", "hello, and more");
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::changed);
        CHECK(bench.has("f"));
    }
    CHECK(bench.puts_of(".f.thanks") == 1);
    CHECK_FALSE(bench.has(".f.ctrl"));
}

TEST_CASE("what an earlier process has sent is kept where it is not as long as was announced") {
    Workbench bench;
    (void)bench.send();
    std::vector<Handshake> units = bench.recover();
    REQUIRE(units.size() == 1);
    arrivals::Control control = units[0].state->control();
    control.size += 1;
    units[0].state.emplace(std::move(control), handshake_rules(bench.settings.outgoing),
                           arrivals::SenderHandshake::Clock::now());
    bench.answer(units[0]);
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::changed);
    CHECK(bench.has("f"));
}

TEST_CASE("where its checksum cannot be computed here the stream stops, and nothing is deleted") {
    Workbench bench;
    (void)bench.send();
    std::vector<Handshake> units = bench.recover();
    REQUIRE(units.size() == 1);
    bench.answer(units[0]);
    {
        const test::NoDigests refused;
        bench.look(units);
    }
    CHECK(bench.last.scope() == StatusScope::stream);
    CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
    CHECK(bench.has("f"));
    CHECK(bench.has(".f.ctrl"));
    bench.look(units);
    CHECK(units[0].result.outcome == Outcome::delivered);
}

TEST_CASE(
    "where no checksum of an earlier kind can be computed here, only what was sent with it is given up") {
    Workbench bench;
    test::write_file(bench.scratch / "d/file", "in a directory");
    (void)bench.send({"d", "f"});
    std::vector<Handshake> units = bench.recover();
    REQUIRE(units.size() == 2);
    bench.settings.outgoing.checksum = "sha256";
    test::write_file(bench.scratch / "new", "hello");
    units.push_back(std::move(bench.send({"new"}).front()));
    for (const Handshake& unit : units) {
        bench.answer(unit);
    }
    {
        const test::NoDigests refused;
        bench.look(units);
    }
    CHECK(bench.last.ok());
    for (std::size_t i = 0; i < 2; ++i) {
        CAPTURE(units[i].result.name);
        CHECK(units[i].result.outcome == Outcome::refused);  // which the ledger puts into the quarantine
        CHECK(units[i].result.status.scope() == StatusScope::item);
        CHECK(units[i].result.status.text().find("it has arrived, but") == 0);
        CHECK(bench.has(units[i].result.name));
    }
    CHECK_FALSE(bench.has(".f.ctrl"));
    CHECK_FALSE(bench.has(".d.zip.ctrl"));
    CHECK_FALSE(bench.has(".mistamover-zip/d.zip"));
    CHECK(units[2].result.outcome == Outcome::delivered);
    CHECK_FALSE(bench.has("new"));
}

TEST_CASE("a directory that has arrived and has no room for its zip file any more holds nothing else up") {
    for (const bool restarted : {true, false}) {
        CAPTURE(restarted);
        Workbench bench;
        std::vector<Handshake> units = send_and_lose_room(bench, restarted);
        bench.look(units);
        CHECK(bench.last.ok());
        CHECK(units[1].result.outcome == Outcome::delivered);
        CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
        CHECK(units[0].pause == bench.settings.outgoing.receipt_file_poll_interval);
        CHECK(units[0].next_try_for_room > std::chrono::steady_clock::now());
        CHECK(bench.has("d"));
        CHECK(bench.has(".d.zip.ctrl"));

        units.pop_back();
        bench.free_bytes = plenty;
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::awaiting_receipt);
        units[0].next_try_for_room = {};  // as it is after so long
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
        CHECK_FALSE(bench.has("d"));
        CHECK_FALSE(bench.has(".d.zip.ctrl"));
    }
}

TEST_CASE("such a directory is given up, and not sent again, where there is no room for long") {
    for (const bool restarted : {true, false}) {
        CAPTURE(restarted);
        Workbench bench;
        std::vector<Handshake> units = send_and_lose_room(bench, restarted);
        units.pop_back();
        constexpr int many = 100;
        for (int i = 0; i < many && units[0].result.outcome == Outcome::awaiting_receipt; ++i) {
            units[0].next_try_for_room = {};  // as it is after so long
            bench.look(units);
            CHECK(bench.last.ok());
        }
        CHECK(units[0].result.outcome == Outcome::refused);  // which the ledger puts into the quarantine
        CHECK(units[0].result.status.code() == StatusCode::no_space);
        CHECK(units[0].result.status.text().find("there is no room") != std::string_view::npos);
        CHECK(bench.has("d"));
        CHECK_FALSE(bench.has(".d.zip.ctrl"));
        CHECK(bench.puts_of("d.zip") == 1);
    }
}

TEST_CASE("what was touched and not written to since it was sent is deleted, by its checksum") {
    Workbench bench;
    std::vector<Handshake> units = bench.send();
    bench.answer(units[0]);
    std::filesystem::permissions(bench.scratch / "f",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

    SUBCASE("it has the same bytes") {
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
        CHECK_FALSE(bench.has("f"));
    }
    SUBCASE("it has other bytes of the same time") {
        const auto time = std::filesystem::last_write_time(bench.scratch / "f");
        std::filesystem::permissions(bench.scratch / "f", std::filesystem::perms::owner_all);
        test::write_file(bench.scratch / "f", "hullo");
        std::filesystem::last_write_time(bench.scratch / "f", time);
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::changed);
        CHECK(bench.has("f"));
    }
    SUBCASE("it has the same bytes, and somebody is about to write more") {
        const std::ofstream writer(bench.scratch / "f", std::ios::app);
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::changed);
        CHECK(bench.has("f"));
    }
    CHECK(bench.puts_of(".f.thanks") == 1);
}

TEST_CASE("of a unit that has gone here, the receipt is thanked for; without one the journal is over") {
    for (const bool with_receipt : {true, false}) {
        Workbench bench;
        (void)bench.send();
        std::filesystem::remove(bench.scratch / "f");
        std::vector<Handshake> units = bench.recover();
        REQUIRE(units.size() == 1);
        CHECK(units[0].result.name.empty());
        bench.answer(units[0]);
        if (!with_receipt) {
            bench.session.target.clear();
        }
        bench.look(units);
        CHECK(units[0].result.outcome == Outcome::delivered);
        CHECK(bench.puts_of(".f.thanks") == (with_receipt ? 1 : 0));
        CHECK_FALSE(bench.has(".f.ctrl"));
    }
}

TEST_CASE("the end of what has gone here leaves the journal of what has come in its place") {
    Workbench bench;
    (void)bench.send();
    std::filesystem::remove(bench.scratch / "f");
    std::vector<Handshake> gone = bench.recover();
    test::write_file(bench.scratch / "f", "hallo");
    const std::vector<Handshake> come = bench.send();
    bench.answer(gone[0]);
    bench.look(gone);
    CHECK(gone[0].result.outcome == Outcome::delivered);
    CHECK(bench.has("f"));
    CHECK(test::read_file(bench.scratch / ".f.ctrl") == to_text(come[0].state->control()));
}

}  // namespace mistamover::stream
