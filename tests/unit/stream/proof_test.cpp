// SPDX-License-Identifier: BSD-3-Clause
#include "stream/proof.hpp"

#include <doctest/doctest.h>

#include "fake_session.hpp"
#include "no_digests.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

const Status session_lost{StatusCode::connection_lost, StatusScope::session, "lost"};
const Status item_denied{StatusCode::permission, StatusScope::item, "denied"};

ManifestEntry file_entry(const std::string& path, std::uint64_t size) {
    ManifestEntry entry;
    entry.path = path;
    entry.identity.kind = EntryKind::file;
    entry.identity.size = size;
    return entry;
}

StatCollector::Seen seen_as(EntryKind kind, std::uint64_t size) {
    return {Status{}, {size, 0, 1, 0, kind}};
}

struct ProofFixture {
    test::Scratch scratch;
    process::UniqueFd directory{::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    test::FakeSession session;
    config::OutgoingSettings settings;
    CancelToken cancel;
    std::vector<ManifestEntry> entries{file_entry("a", 1), file_entry("b", 2)};
    std::vector<const ManifestEntry*> pointers{&entries[0], &entries[1]};

    ProofFixture() { settings.checksum = "md5"; }
    Status prove(std::vector<Status>& proofs, config::Verify how = config::Verify::size) {
        return Prover(session, settings, directory.get(), cancel).prove(pointers, "", how, proofs);
    }
    // Puts files of these names.
    Status put(const std::vector<std::string>& names, PutCollector& ends) {
        std::vector<PutItem> items(names.size());
        for (std::size_t i = 0; i < names.size(); ++i) {
            items[i].path = names[i];
        }
        PutRequest request;
        request.items = items;
        return put_each(session, request, ends);
    }
};

}  // namespace

TEST_CASE("only an entry of the same kind and size is proof") {
    const ManifestEntry entry = file_entry("f", 10);
    CHECK(proof_by_size(seen_as(EntryKind::file, 10), entry).ok());
    CHECK(proof_by_size(seen_as(EntryKind::file, 9), entry).code() == StatusCode::corrupt);
    CHECK(proof_by_size(seen_as(EntryKind::directory, 10), entry).code() == StatusCode::corrupt);
    CHECK(proof_by_size(seen_as(EntryKind::symlink, 10), entry).code() == StatusCode::corrupt);
    CHECK(proof_by_size({}, entry).code() == StatusCode::internal);
    CHECK(proof_by_size({item_denied, {}}, entry).code() == StatusCode::permission);
}

TEST_CASE(
    "sizes of directories and links, which differ between file systems, prove nothing and harm nothing") {
    ManifestEntry entry = file_entry("d", 4096);
    for (const EntryKind kind : {EntryKind::directory, EntryKind::symlink}) {
        entry.identity.kind = kind;
        CHECK(proof_by_size(seen_as(kind, 0), entry).ok());
    }
}

TEST_CASE("every entry is proved by itself") {
    ProofFixture fixture;
    fixture.session.target["a"] = seen_as(EntryKind::file, 1).info;
    std::vector<Status> proofs;
    REQUIRE(fixture.prove(proofs).ok());
    REQUIRE(proofs.size() == 2);
    CHECK(proofs[0].ok());
    CHECK(proofs[1].code() == StatusCode::not_found);
}

TEST_CASE("where the target gives no answer there is no proof") {
    ProofFixture fixture;
    fixture.session.target["a"] = seen_as(EntryKind::file, 1).info;
    fixture.session.target["b"] = seen_as(EntryKind::file, 2).info;
    std::vector<Status> proofs;
    SUBCASE("of one entry") {
        fixture.session.silent.insert("b");
        REQUIRE(fixture.prove(proofs).ok());
        CHECK(proofs[0].ok());
        CHECK_FALSE(proofs[1].ok());
    }
    SUBCASE("because the session has failed") {
        fixture.session.stat_result = session_lost;
        CHECK(fixture.prove(proofs).scope() == StatusScope::session);
    }
    SUBCASE("though the module blames nobody") {
        fixture.session.stat_result = Status(StatusCode::permission, StatusScope::item, "denied", 550);
        const Status status = fixture.prove(proofs);
        CHECK(status.scope() == StatusScope::session);
        CHECK(status.protocol_code() == 550);
    }
}

TEST_CASE("by checksum, only the same contents are proof") {
    ProofFixture fixture;
    test::write_file(fixture.scratch / "a", "x");
    test::write_file(fixture.scratch / "b", "xy");
    fixture.session.target["a"] = seen_as(EntryKind::file, 1).info;
    fixture.session.target["b"] = seen_as(EntryKind::file, 2).info;
    fixture.session.checksums["a"] = "9dd4e461268c8034f5c8564e155c67a6";  // of "x"
    std::vector<Status> proofs;
    for (const char* wrong : {"9dd4e461268c8034f5c8564e155c67a6", ""}) {
        fixture.session.checksums["b"] = wrong;
        REQUIRE(fixture.prove(proofs, config::Verify::checksum).ok());
        CHECK(proofs[0].ok());
        CHECK(proofs[1].code() == StatusCode::corrupt);
    }
    std::filesystem::remove(fixture.scratch / "a");
    REQUIRE(fixture.prove(proofs, config::Verify::checksum).ok());
    CHECK_FALSE(proofs[0].ok());
}

TEST_CASE("where no checksum can be computed here there is no proof, whatever the target's is") {
    ProofFixture fixture;
    fixture.pointers = {fixture.entries.data()};
    test::write_file(fixture.scratch / "a", "x");
    fixture.session.target["a"] = seen_as(EntryKind::file, 1).info;
    fixture.session.checksums["a"] = "00000000000000000000000000000000";
    const test::NoDigests refused;
    std::vector<Status> proofs;
    CHECK(fixture.prove(proofs, config::Verify::checksum).scope() == StatusScope::stream);
    CHECK(proofs.empty());
}

TEST_CASE("what was proved before the session failed stays proved, and nothing else is") {
    ProofFixture fixture;
    for (const char* name : {"a", "b"}) {
        test::write_file(fixture.scratch / name, "x");
        fixture.session.target[name] = seen_as(EntryKind::file, 1).info;
        fixture.session.checksums[name] = "9dd4e461268c8034f5c8564e155c67a6";  // of "x"
    }
    fixture.entries[1].identity.size = 1;
    std::vector<Status> proofs;
    SUBCASE("at the second entry") {
        fixture.session.failures["b"] = session_lost;
        CHECK(fixture.prove(proofs, config::Verify::checksum).code() == StatusCode::connection_lost);
        REQUIRE(proofs.size() == 1);
        CHECK(proofs[0].ok());
    }
    SUBCASE("at the first entry") {
        fixture.session.failures["a"] = session_lost;
        CHECK(fixture.prove(proofs, config::Verify::checksum).code() == StatusCode::connection_lost);
        CHECK(proofs.empty());
    }
    SUBCASE("before any answer") {
        proofs.resize(2);
        fixture.session.stat_result = session_lost;
        CHECK(fixture.prove(proofs, config::Verify::checksum).code() == StatusCode::connection_lost);
        CHECK(proofs.empty());
    }
}

TEST_CASE("an empty file is proved by its size, whatever the target's checksum of nothing is") {
    ProofFixture fixture;
    fixture.entries = {file_entry("a", 0)};
    fixture.pointers = {fixture.entries.data()};
    fixture.session.target["a"] = seen_as(EntryKind::file, 0).info;
    fixture.session.checksums["a"] = "nonsense";
    std::vector<Status> proofs;
    REQUIRE(fixture.prove(proofs, config::Verify::checksum).ok());
    CHECK(proofs[0].ok());
}

TEST_CASE("an item that was not reported was not sent") {
    ProofFixture fixture;
    fixture.session.silent.insert("b");
    PutCollector ends(2);
    const Status overall = fixture.put({"a", "b"}, ends);
    CHECK(ends.status_of(0, overall).ok());
    CHECK(ends.status_of(1, overall).code() == StatusCode::internal);
}

TEST_CASE("an exception is blamed on the one item that it is thrown for") {
    ProofFixture fixture;
    fixture.session.on_put = [](const PutItem& item) {
        if (item.path == "b") {
            throw std::runtime_error("thrown for b");
        }
    };
    PutCollector ends(4);
    const Status overall = fixture.put({"a", "b", "c", "d"}, ends);
    CHECK(overall.ok());
    for (const std::size_t good : {0U, 2U, 3U}) {
        CHECK(ends.status_of(good, overall).ok());
    }
    CHECK(ends.status_of(1, overall).text() == "thrown for b");
    CHECK(fixture.session.calls == std::vector<std::string>{"put a", "put b", "put b", "put c", "put d"});
}

TEST_CASE("a session that fails is not asked again") {
    ProofFixture fixture;
    fixture.session.failures["b"] = session_lost;
    PutCollector ends(3);
    CHECK(fixture.put({"a", "b", "c"}, ends).code() == StatusCode::connection_lost);
    CHECK(ends.reported(0));
    CHECK_FALSE(ends.reported(1));
    CHECK(fixture.session.calls.size() == 2);
}

}  // namespace mistamover::stream
