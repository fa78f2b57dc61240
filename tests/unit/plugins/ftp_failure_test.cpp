// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_failure.hpp"

#include <doctest/doctest.h>

#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {
namespace {

Status reply_status(int code, During during) {
    return reply_failure({code, {"why\nso"}}, during, "store x");
}

void check_reply(int code, During during, StatusCode wanted, StatusScope scope) {
    const Status status = reply_status(code, during);
    CHECK_MESSAGE(status.code() == wanted, code << ' ' << to_string(status.code()));
    CHECK_MESSAGE(status.scope() == scope, code << ' ' << to_string(status.scope()));
    CHECK(status.protocol_code() == code);
}

}  // namespace

TEST_SUITE_BEGIN("ftp_failure");

TEST_CASE("what a reply means, and how far it reaches") {
    using enum StatusCode;
    using enum StatusScope;
    check_reply(530, During::login, authentication, stream);
    check_reply(530, During::transfer, authentication, stream);
    check_reply(502, During::login, configuration, stream);
    check_reply(431, During::login, unreachable, session);
    check_reply(421, During::login, unreachable, session);
    check_reply(421, During::transfer, unreachable, session);
    check_reply(425, During::transfer, connection_lost, session);
    check_reply(426, During::transfer, connection_lost, session);
    check_reply(451, During::transfer, no_space, session);
    check_reply(451, During::request, permission, item);
    check_reply(452, During::transfer, no_space, session);
    check_reply(552, During::transfer, no_space, session);
    check_reply(550, During::request, permission, item);
    check_reply(550, During::transfer, permission, item);
    check_reply(553, During::transfer, permission, item);
    check_reply(521, During::request, exists, item);
    check_reply(522, During::transfer, configuration, stream);
    check_reply(502, During::request, unsupported, item);
    check_reply(450, During::request, permission, item);
    check_reply(499, During::request, unreachable, session);
    check_reply(200, During::request, internal, session);
    CHECK(reply_status(550, During::request).text() == "store x: the server says 550 why?so");
}

TEST_CASE("what no item is to blame for reaches as far as the session at least") {
    const auto failure = [](int code) { return session_failure({code, {"why"}}, During::request, "look"); };
    CHECK(failure(450).scope() == StatusScope::session);
    CHECK(failure(450).code() == StatusCode::permission);
    CHECK(failure(450).protocol_code() == 450);
    CHECK(failure(452).scope() == StatusScope::session);
    CHECK(failure(530).scope() == StatusScope::stream);
}

TEST_CASE("a server that is full is told from a refused password by its words") {
    const auto refusal = [](int code, const std::vector<std::string>& lines) {
        return reply_failure({code, lines}, During::login, "log in");
    };
    for (const char* words :
         {"Sorry, the maximum number of allowed clients (1) are already connected.",
          "Sorry, the maximum number of clients (1) from your host are already connected.",
          "Too many users, try later", "Too many connections from this host",
          "The maximum number of sessions is open"}) {
        CHECK(refusal(530, {words}).code() == StatusCode::unreachable);
        CHECK(refusal(530, {words, "Goodbye"}).scope() == StatusScope::session);
    }
    for (const char* words :
         {"Login incorrect.", "Too many failed logins", "Maximum number of tries reached",
          "maximum number of login attempts exceeded", "Too many bad passwords", "Too many invalid logins",
          "too many login errors", "Too many logins", "Too many bad passwords for this user",
          "Too many invalid users", "Maximum number of errors of this user reached"}) {
        CHECK(refusal(530, {words}).code() == StatusCode::authentication);
        CHECK(refusal(530, {words}).scope() == StatusScope::stream);
    }
}

TEST_CASE("which names a server might change, and whether it shows one unchanged") {
    for (const char* path : {"a\tb", "a/\033[31m/b", " a", "a ", "d /a", "d/ a", "\177"}) {
        CHECK_MESSAGE(has_odd_name(path), printable(path));
    }
    for (const char* path : {"a", "a b/c d", "\303\244", "\xff", ".a", "-"}) {
        CHECK_FALSE_MESSAGE(has_odd_name(path), path);
    }
    CHECK(printable("a\tb\n") == "a?b?");
    CHECK(is_shown_as("d/a", "a"));
    CHECK(is_shown_as("d/a", "/home/d/a"));
    CHECK(is_shown_as("d/\xff", "\xff\xff"));
    CHECK_FALSE(is_shown_as("d/a\tb", "a_b"));
    CHECK_FALSE(is_shown_as("d/a", "/home/d/xa"));
}

TEST_CASE("how a path stands in a command") {
    CHECK(command_with_path("SIZE", "a b/c") == "SIZE a b/c");
    CHECK(command_with_path("SIZE", "-a") == "SIZE ./-a");
    CHECK(command_with_path("SIZE", " a") == "SIZE ./ a");
    CHECK(command_with_path("SIZE", "~") == "SIZE ./~");
    CHECK(command_with_path("MLSD", "") == "MLSD ./");
    CHECK(command_with_path("SIZE", "\xff") == "SIZE \xff\xff");
    CHECK(command_with_path("SIZE", "\xff", {false}) == "SIZE \xff");
    CHECK_FALSE(can_carry("a\nb"));
    CHECK_FALSE(can_carry("a\rb"));
    CHECK_THROWS(command_with_path("DELE", "a\r\nDELE b"));
    CHECK(join("", "a") == "a");
    CHECK(join("d", "a") == "d/a");
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
