// SPDX-License-Identifier: BSD-3-Clause
#include "stream/small_files.hpp"

#include <array>
#include <doctest/doctest.h>

#include "fake_session.hpp"

namespace mistamover::stream {
namespace {

constexpr std::array<std::string_view, 3> three_paths{"a", "missing", "c"};

}  // namespace

TEST_CASE("small files are read one by one, or together where the session can") {
    for (const Capabilities capabilities : {Capabilities{}, Capabilities(Capability::get_many)}) {
        test::FakeSession session;
        session.contents = {{"a", "hello"}, {"c", ""}};
        std::vector<SmallFile> files;
        CHECK(get_small_files(session, capabilities, three_paths, 10, files).ok());
        REQUIRE(files.size() == 3);
        CHECK(files[0].status->ok());
        CHECK(files[0].text == "hello");
        CHECK(files[1].status->code() == StatusCode::not_found);
        CHECK(files[2].status->ok());
        CHECK(files[2].text.empty());
        CHECK(session.calls.front() == (capabilities.has(Capability::get_many) ? "get many" : "get a"));
        CHECK(session.calls.size() == (capabilities.has(Capability::get_many) ? 1 : 3));
    }
}

TEST_CASE("a session that fails ends the reading") {
    for (const Capabilities capabilities : {Capabilities{}, Capabilities(Capability::get_many)}) {
        test::FakeSession session;
        session.contents = {{"a", "hello"}};
        session.failures["missing"] = {StatusCode::connection_lost, StatusScope::session, "lost"};
        std::vector<SmallFile> files;
        CHECK(get_small_files(session, capabilities, three_paths, 10, files).code() ==
              StatusCode::connection_lost);
        CHECK(files[0].text == "hello");
        CHECK_FALSE(files[2].status.has_value());
    }
}

TEST_CASE("where all fails together the session has failed, and no file") {
    test::FakeSession session;
    session.contents = {{"a", "hello"}};
    session.get_many_result = {StatusCode::local_io, StatusScope::item, "no room for what was read"};
    std::vector<SmallFile> files;
    const Status status =
        get_small_files(session, Capabilities(Capability::get_many), three_paths, 10, files);
    CHECK(status.code() == StatusCode::local_io);
    CHECK(status.scope() == StatusScope::session);
    CHECK_FALSE(files[0].status.has_value());
}

}  // namespace mistamover::stream
