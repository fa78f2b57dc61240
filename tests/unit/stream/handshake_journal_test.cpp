// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_journal.hpp"

#include <doctest/doctest.h>
#include <map>
#include <set>
#include <sys/stat.h>

#include "scratch.hpp"
#include "stream/handshake_recovery.hpp"

namespace mistamover::stream {
namespace {

using test::read_file;
using test::Scratch;
using test::write_file;

config::StreamSettings sending_from(const std::filesystem::path& directory) {
    config::StreamSettings settings;
    settings.directory = directory;
    settings.outgoing.control_file_extension = "ctrl";
    settings.outgoing.quarantine_dir = directory / "quarantine";
    return settings;
}

arrivals::Control control_of(const std::string& data_name) {
    return {data_name, 5, "sum", '.' + data_name + ".1.00.rcpt"};
}

}  // namespace

TEST_CASE("the journal keeps control files as they are sent, until they are removed") {
    const Scratch scratch;
    const config::StreamSettings settings = sending_from(scratch.path());
    const SourceDirectory source(settings);
    const HandshakeJournal journal(source, settings.outgoing);
    const ManifestEntry entry = journal.write(control_of("f"));
    CHECK(entry.path == ".f.ctrl");
    CHECK(
        entry.identity == identity_of([&] {
            struct stat info {};
            ::lstat((scratch / ".f.ctrl").c_str(), &info);
            info.st_ctim = {entry.identity.ctime_ns / 1'000'000'000, entry.identity.ctime_ns % 1'000'000'000};
            return info;
        }()));
    CHECK(read_file(scratch / ".f.ctrl") == to_text(control_of("f")));
    CHECK(journal.all() == std::vector{control_of("f")});

    arrivals::Control newer = control_of("f");
    newer.receipt_name = ".f.2.00.rcpt";
    journal.write(newer);
    journal.remove(control_of("f"), true);
    CHECK(journal.all() == std::vector{newer});
    journal.remove(newer, true);
    CHECK(journal.all().empty());
    journal.leave();
    CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("what is no control file of the sender's own is left out") {
    const Scratch scratch;
    const config::StreamSettings settings = sending_from(scratch.path());
    const SourceDirectory source(settings);
    write_file(scratch / ".garbage.ctrl", "garbage");
    write_file(scratch / ".other.ctrl", to_text(control_of("f")));
    write_file(scratch / "...ctrl", to_text(control_of("..")));
    arrivals::Control elsewhere = control_of("g");
    elsewhere.receipt_name = "../r";
    write_file(scratch / ".g.ctrl", to_text(elsewhere));
    std::filesystem::create_directory(scratch / ".d.ctrl");
    CHECK(HandshakeJournal(source, settings.outgoing).all().empty());
}

TEST_CASE("a journal is of a file, of a directory that was zipped, or of something that has gone") {
    const Scratch scratch;
    const config::StreamSettings settings = sending_from(scratch.path());
    const SourceDirectory source(settings);
    const HandshakeJournal journal(source, settings.outgoing);
    for (const char* name :
         {"file", "directory.zip", "directory", "gone", "file.zip", "both.zip", "either.zip"}) {
        journal.write(control_of(name));
    }
    journal.write_draft(control_of("draft"));
    write_file(scratch / "file", "hello");
    for (const char* directory : {"directory", "both", "either"}) {
        write_file(scratch / directory / "f", "x");
    }
    write_file(scratch / "both.zip", "hello");
    write_file(scratch / "either.zip", "not what was sent");
    std::map<std::string, std::string> units;
    const RecoveredHandshakes recovered = recover_handshakes(source, settings.outgoing);
    for (const Handshake& handshake : recovered.handshakes) {
        CHECK(handshake.control_in_doubt);
        CHECK(handshake.result.outcome == Outcome::awaiting_receipt);
        units[handshake.state->control().data_name] = handshake.result.name;
    }
    CHECK(units == std::map<std::string, std::string>{{"file", "file"},
                                                      {"directory.zip", "directory"},
                                                      {"directory", ""},
                                                      {"gone", ""},
                                                      {"file.zip", ""},
                                                      {"both.zip", "both.zip"},
                                                      {"either.zip", "either"}});
    std::multiset<std::string> here;
    for (const Candidate& unit : recovered.units) {
        here.insert(unit.name);
    }
    CHECK(here == std::multiset<std::string>{"both.zip", "directory", "either", "file"});
    CHECK_FALSE(std::filesystem::exists(journal.drafts_directory() / ".draft.ctrl"));
    CHECK(source.handshake_reserve().size() == HandshakeReserve::most);
}

}  // namespace mistamover::stream
