// SPDX-License-Identifier: BSD-3-Clause
#include "config/secret_file.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::config {
namespace {

using Options = std::map<std::string, std::vector<std::string>>;

// What is thrown for a file; empty where nothing is.
std::string refusal(const std::filesystem::path& file) {
    Options options{{"password_file", {file.string()}}};
    try {
        take_password_from_file("carrier", options);
        return "";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

void write_secret(const std::filesystem::path& file, std::string_view content, unsigned mode = 0600) {
    test::write_file(file, content);
    std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
}

}  // namespace

TEST_CASE("a module that knows no password_file gets the password that is in its first line") {
    const test::Scratch scratch;
    for (const std::string content : {"hunter2", "hunter2\n", "hunter2\r\nmore\n"}) {
        write_secret(scratch / "secret", content);
        Options options{{"password_file", {scratch / "secret"}}, {"speed", {"slow"}}};
        take_password_from_file("carrier", options);
        CHECK(options == Options{{"password", {"hunter2"}}, {"speed", {"slow"}}});
    }
    Options others{{"password", {"p"}}, {"speed", {"slow"}}};
    take_password_from_file("carrier", others);
    CHECK(others == Options{{"password", {"p"}}, {"speed", {"slow"}}});
}

TEST_CASE("a password file that holds none, or is not for its owner only, is refused without its content") {
    const test::Scratch scratch;
    const std::filesystem::path file = scratch / "secret";
    const std::string key = "`carrier.password_file` ";
    CHECK(refusal(file).starts_with(key + "names a file that is not there"));
    CHECK(refusal(scratch.path()).starts_with(key + "names something that is not a file"));
    write_secret(file, "\nhunter2\n");
    CHECK(refusal(file).starts_with(key + "names a file that has no password in its first line"));
    write_secret(file, "hunter2\n", 0640);
    CHECK(
        refusal(file).starts_with(key + "holds a secret, but others than its owner may use the file: chmod"));
    CHECK(refusal(file).find("hunter2") == std::string::npos);
}

}  // namespace mistamover::config
