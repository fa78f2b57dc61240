// SPDX-License-Identifier: BSD-3-Clause
#include "stream/alias_check.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <vector>

#include "fake_session.hpp"
#include "full_disk.hpp"
#include "scratch.hpp"

namespace mistamover::stream {

TEST_CASE("where there is no room for a probe, a directory at the target shows whose it is") {
    if (!test::may_mount()) {
        return;
    }
    const test::FullDisk disk;
    config::StreamSettings settings;
    settings.directory = disk.path();
    const SourceDirectory source(settings);
    test::FakeSession session;
    AliasCheck::Shared shared;
    AliasCheck alias(source, session, Capability::make_directory, ".temp", shared);
    SUBCASE("another one's") {
        disk.take_all_inodes();
        CHECK(alias.check().ok());
        CHECK(session.calls == std::vector<std::string>{"make .temp"});
        CHECK(alias.check().ok());
        CHECK(session.calls.size() == 1);
    }
    SUBCASE("the stream's own") {
        std::filesystem::create_directory(disk.path() / ".temp");
        session.failures[".temp"] = {StatusCode::exists, StatusScope::item, "it is there"};
        disk.take_all_inodes();
        CHECK(alias.check().scope() == StatusScope::stream);
        CHECK(session.calls == std::vector<std::string>{"make .temp", "remove .temp"});
    }
    SUBCASE("that cannot be told") {
        session.failures[".temp"] = {StatusCode::no_space, StatusScope::item, "full, too"};
        disk.take_all_inodes();
        const Status status = alias.check();
        CHECK(status.scope() == StatusScope::session);
        CHECK(status.text().find("cannot be told") != std::string_view::npos);
    }
    CHECK(session.stats == 0);
}

TEST_CASE("a mirror goes on at a target without room, which its deletions may make, and asks again") {
    const test::Scratch directory;
    config::StreamSettings settings;
    settings.directory = directory.path();
    const SourceDirectory source(settings);
    test::FakeSession session;
    AliasCheck::Shared shared;
    AliasCheck alias(source, session, Capability::make_directory, ".temp", shared);
    session.failures[".temp"] = {StatusCode::no_space, StatusScope::session, "full"};
    CHECK(alias.check_untouched().ok());
    session.failures.clear();
    CHECK(alias.check_untouched().ok());
    CHECK(alias.check_untouched().ok());
    CHECK(session.calls == std::vector<std::string>{"make .temp", "make .temp"});
    session.failures[".temp"] = {StatusCode::unreachable, StatusScope::session, "gone"};
    AliasCheck next(source, session, Capability::make_directory, ".temp", shared);
    CHECK(next.check_untouched().code() == StatusCode::unreachable);
}

}  // namespace mistamover::stream
