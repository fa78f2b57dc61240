// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>
#include <doctest/doctest.h>
#include <string>

#include <mistamover/status.hpp>

namespace mistamover {

TEST_CASE("a status is a success until it is made a failure") {
    const Status good;
    CHECK(good.ok());
    CHECK(good.text().empty());
    CHECK(good.outcome_known());
    Status bad(StatusCode::host_key, StatusScope::stream, "changed", 42);
    CHECK_FALSE(bad.ok());
    CHECK(bad.code() == StatusCode::host_key);
    CHECK(bad.scope() == StatusScope::stream);
    CHECK(bad.text() == "changed");
    CHECK(bad.protocol_code() == 42);
    CHECK(bad.outcome_known());
    CHECK_FALSE(bad.with_outcome_unknown().outcome_known());
}

TEST_CASE("a failure that is made the session's keeps what is known of it") {
    const Status item = Status(StatusCode::permission, StatusScope::item, "text", 13).with_outcome_unknown();
    const Status session = item.of_session();
    CHECK(session.code() == StatusCode::permission);
    CHECK(session.scope() == StatusScope::session);
    CHECK(session.text() == "text");
    CHECK(session.protocol_code() == 13);
    CHECK_FALSE(session.outcome_known());
    CHECK(Status(StatusCode::permission, StatusScope::item, "").of_session().outcome_known());
    CHECK(Status().of_session().ok());
    CHECK(Status().of_session().scope() == StatusScope::item);
    const Status stream(StatusCode::configuration, StatusScope::stream, "");
    CHECK(stream.of_session().scope() == StatusScope::stream);
}

TEST_CASE("what is the session's or was cancelled blames no item") {
    CHECK(Status(StatusCode::cancelled, StatusScope::item, "cancelled").beyond_item());
    CHECK(Status(StatusCode::connection_lost, StatusScope::session, "lost").beyond_item());
    CHECK(Status(StatusCode::configuration, StatusScope::stream, "").beyond_item());
    CHECK_FALSE(Status(StatusCode::permission, StatusScope::item, "denied").beyond_item());
    CHECK_FALSE(Status().beyond_item());
}

TEST_CASE("a long text is cut, but not within a character") {
    const auto text_of = [](const std::string& text) {
        return std::string(Status(StatusCode::internal, StatusScope::item, text).text());
    };
    const std::string full(Status::text_capacity, 'x');
    CHECK(text_of(full) == full);
    CHECK(text_of(full + "y") == full);
    const std::string almost(Status::text_capacity - 1, 'x');
    CHECK(text_of(almost + "\xc3\xa4") == almost);
    CHECK(text_of(almost + "\xe2\x82\xac" + "more") == almost);
    CHECK(text_of(std::string(Status::text_capacity + 9, '\x80')).size() == Status::text_capacity);
}

TEST_CASE("an errno tells what to do") {
    const auto check = [](int number, StatusCode code, StatusScope scope) {
        CAPTURE(number);
        const Status status = status_from_errno(number, "open /data/x");
        CHECK(status.code() == code);
        CHECK(status.scope() == scope);
        CHECK(status.protocol_code() == number);
        CHECK(status.text().starts_with("open /data/x: "));
    };
    check(ENOENT, StatusCode::not_found, StatusScope::item);
    check(EEXIST, StatusCode::exists, StatusScope::item);
    check(EACCES, StatusCode::permission, StatusScope::item);
    check(EIO, StatusCode::local_io, StatusScope::item);
    check(ENOSPC, StatusCode::no_space, StatusScope::session);
    check(EDQUOT, StatusCode::no_space, StatusScope::session);
    check(EMFILE, StatusCode::local_io, StatusScope::session);
}

TEST_CASE("every code and scope has a name of its own") {
    CHECK(to_string(StatusCode::ok) == "ok");
    CHECK(to_string(StatusCode::connection_lost) == "connection_lost");
    CHECK(to_string(StatusScope::session) == "session");
    for (int code = 0; code <= static_cast<int>(StatusCode::internal); ++code) {
        CHECK(to_string(static_cast<StatusCode>(code)) != "unknown");
    }
}

}  // namespace mistamover
