// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_path.hpp"

#include <doctest/doctest.h>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {

TEST_SUITE_BEGIN("ftp_path");

TEST_CASE("a path is sent as it is") {
    for (const char* path :
         {"plain", "a/b", "with space", "end ", "quote'\"", "*?[x]", "\xff", "a-b", "a~"}) {
        CHECK(command_with_path("STOR", path, {false}) == std::string("STOR ") + path);
    }
}

TEST_CASE("what a server might take for something else begins with ./") {
    CHECK(command_with_path("DELE", "-la") == "DELE ./-la");
    CHECK(command_with_path("DELE", "~root") == "DELE ./~root");
    CHECK(command_with_path("DELE", " blank") == "DELE ./ blank");
    CHECK(command_with_path("CWD", "") == "CWD ./");
}

TEST_CASE("the byte 255 is doubled where the server reads it so") {
    CHECK(command_with_path("STOR", "a\xff\xff") == "STOR a\xff\xff\xff\xff");
    CHECK(command_with_path("STOR", "a\xff", {false}) == "STOR a\xff");
}

TEST_CASE("a line break would be another command, and is refused") {
    for (const char* path : {"a\nDELE b", "a\rb", "\n", "a\r\n"}) {
        CHECK_FALSE(can_carry(path));
        CHECK_THROWS_AS(command_with_path("STOR", path), StatusError);
        const Status status = cannot_carry(path);
        CHECK(status.code() == StatusCode::unsupported);
        CHECK(status.scope() == StatusScope::item);
        CHECK(status.text().find_first_of("\r\n") == std::string_view::npos);
    }
}

TEST_CASE("a name in a directory, or in none") {
    CHECK(join("a/b", "c") == "a/b/c");
    CHECK(join("", "c") == "c");
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
