// SPDX-License-Identifier: BSD-3-Clause
#include "stream/name_guard.hpp"

#include <array>
#include <chrono>
#include <doctest/doctest.h>
#include <set>
#include <string>

#include <mistamover/transfer_module.hpp>

namespace mistamover::stream {
namespace {

constexpr Capabilities lists = Capability::list | Capability::make_directory;
constexpr Capabilities cannot_list = Capability::make_directory;
const std::string temp_dir = ".mistamover-1a";
const std::string temp_dir_in_other_case = ".MISTAMOVER-1A";
const Status not_there{StatusCode::not_found, StatusScope::item, "not there"};
const Status spelled_otherwise{StatusCode::exists, StatusScope::item, "it is called otherwise"};
const Status denied{StatusCode::permission, StatusScope::item, "denied"};
const Status not_understood{StatusCode::unsupported, StatusScope::item, "a line is not understood"};
const Status guard_lost{StatusCode::connection_lost, StatusScope::session, "lost"};

/// A target with the names `there`, that says `of_others` of all others.
class GuardedSession final : public Session {
  public:
    std::set<std::string> there;
    Status of_others = not_there;
    Status of_making;
    Status of_listing;
    int lists_made = 0;
    int directories_asked_for = 0;

    Capabilities capabilities() override { return lists; }
    Status put(const PutRequest&, PutSink&) override { return denied; }
    Status get_small(std::string_view, std::uint64_t, BytesSink&) override { return denied; }
    Status stat(std::span<const std::string_view> paths, StatSink& sink) override {
        for (std::size_t i = 0; i < paths.size(); ++i) {
            sink.entry(i, there.contains(std::string(paths[i])) ? Status{} : of_others, {});
        }
        return {};
    }
    Status list(std::string_view, ListSink& sink) override {
        ++lists_made;
        for (const std::string& name : there) {
            sink.entry(name, {});
        }
        return of_listing;
    }
    Status make_directory(std::string_view path) override {
        ++directories_asked_for;
        if (of_making.ok()) {
            there.emplace(path);
        }
        return of_making;
    }
};

/// What a guard finds out of such a target.
struct Found {
    Found(GuardedSession& session, Capabilities capabilities) {
        NameGuard::Shared shared;
        NameGuard guard(session, capabilities, temp_dir, shared);
        status = guard.can_meet(can_meet);
    }
    Status status;
    bool can_meet = false;
};

}  // namespace

TEST_CASE(
    "a target takes names for one where its temporary directory is there by another, however it says so") {
    GuardedSession session;
    SUBCASE("in so many words") {
        session.there.insert(temp_dir_in_other_case);
    }
    SUBCASE("by showing its own spelling") {
        session.of_others = spelled_otherwise;
    }
    const Found found(session, lists);
    CHECK(found.status.ok());
    CHECK(found.can_meet);
    CHECK(Found(session, cannot_list).can_meet);
}

TEST_CASE("a target that has nothing by that name tells names apart") {
    GuardedSession session;
    CHECK_FALSE(Found(session, lists).can_meet);
    CHECK_FALSE(Found(session, lists | Capability::tells_case_apart).can_meet);
}

TEST_CASE("where it cannot be told, names are kept apart as far as the target lists them") {
    GuardedSession session;
    SUBCASE("no directory can be made") {
        session.of_making = denied;
    }
    SUBCASE("nobody may look") {
        session.of_others = denied;
    }
    CHECK(Found(session, lists).can_meet);
    const Found unguarded(session, cannot_list);
    CHECK(unguarded.status.ok());
    CHECK_FALSE(unguarded.can_meet);
    // Nothing would be proved by listings that fail, for whatever reason.
    for (const Status& failure : {denied, not_understood}) {
        session.of_listing = failure;
        const Found closed(session, lists);
        CHECK(closed.status.ok());
        CHECK_FALSE(closed.can_meet);
    }
}

TEST_CASE("a guard that there was is not given up where the listing cannot be had for once") {
    GuardedSession session;
    session.of_making = denied;
    NameGuard::Shared shared;
    NameGuard guard(session, lists, temp_dir, shared);
    bool needed = false;
    CHECK(guard.find_out(needed).ok());
    CHECK(needed);
    shared.assumed_until = std::chrono::steady_clock::now();
    session.of_listing = not_understood;
    CHECK(guard.find_out(needed).scope() == StatusScope::session);
    session.of_listing = {};
    CHECK(guard.find_out(needed).ok());
    CHECK(needed);
}

TEST_CASE("what is assumed of a target is not asked again for each batch, but holds for a while only") {
    GuardedSession session;
    session.of_making = denied;
    bool is_listed = true;
    SUBCASE("where it is listed") {}
    SUBCASE("where it is not") {
        session.of_listing = not_understood;
        is_listed = false;
    }
    NameGuard::Shared shared;
    NameGuard guard(session, lists, temp_dir, shared);
    for (int batch = 0; batch < 3; ++batch) {
        bool needed = false;
        CHECK(guard.find_out(needed).ok());
        CHECK(needed == is_listed);
    }
    CHECK(session.directories_asked_for == 1);
    CHECK(session.lists_made == 1);
    // The while is over, and what was closed for it is open again.
    shared.assumed_until = std::chrono::steady_clock::now();
    session.of_making = {};
    bool needed = true;
    CHECK(guard.find_out(needed).ok());
    CHECK_FALSE(needed);
    CHECK(session.directories_asked_for == 2);
    CHECK(session.lists_made == 1);
}

TEST_CASE("what another session's failure has made unknown is found out again") {
    GuardedSession session;
    session.there.insert(temp_dir_in_other_case);
    NameGuard::Shared shared;
    NameGuard guard(session, lists, temp_dir, shared);
    bool can_meet = false;
    CHECK(guard.can_meet(can_meet).ok());
    CHECK(can_meet);
    shared.answer = NameGuard::Shared::Answer::unknown;
    CHECK(guard.can_meet(can_meet).ok());
    CHECK(can_meet);
    CHECK(session.directories_asked_for == 2);
}

TEST_CASE("what fails the session tells nothing of names") {
    GuardedSession session;
    SUBCASE("as the directory is made") {
        session.of_making = guard_lost;
    }
    SUBCASE("as it is looked for") {
        session.of_others = guard_lost;
    }
    const Found found(session, lists);
    CHECK(found.status.code() == StatusCode::connection_lost);
    CHECK_FALSE(found.can_meet);
}

TEST_CASE("what the target spells otherwise is another's") {
    GuardedSession session;
    session.there = {"Report", "plain"};
    NameGuard::Shared shared;
    NameGuard guard(session, lists, temp_dir, shared);
    const std::array<std::string, 2> paths{"report", "plain"};
    std::vector<bool> others;
    SUBCASE("where it says that something is there") {
        session.of_others = spelled_otherwise;
        REQUIRE(guard.find_others(paths, others).ok());
        CHECK(others == std::vector<bool>{true, false});
    }
    SUBCASE("but not what is not there at all") {
        REQUIRE(guard.find_others(paths, others).ok());
        CHECK(others == std::vector<bool>{false, false});
    }
}

}  // namespace mistamover::stream
