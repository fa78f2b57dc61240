// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/incoming_directory.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "no_more_files.hpp"
#include "scratch.hpp"

namespace mistamover::arrivals {

TEST_CASE("a directory that was replaced, moved or removed is not there any more, and a link to it is") {
    const test::Scratch scratch;
    std::filesystem::create_directory(scratch / "real");
    std::filesystem::create_directory_symlink("real", scratch / "link");
    const Directory directory(scratch / "link");
    const Directory below(directory, "below");
    CHECK(directory.is_still_there());
    CHECK(below.is_still_there());
    std::filesystem::rename(scratch / "real", scratch / "old");
    CHECK_FALSE(directory.is_still_there());
    CHECK_FALSE(below.is_still_there());
    std::filesystem::create_directories(scratch / "real/below");
    CHECK_FALSE(directory.is_still_there());
    CHECK_FALSE(below.is_still_there());
    std::filesystem::remove_all(scratch / "real");
    std::filesystem::rename(scratch / "old", scratch / "real");
    CHECK(directory.is_still_there());
    CHECK(below.is_still_there());
}

TEST_CASE("a small file that cannot be opened for now is told from one that never can") {
    const test::Scratch scratch;
    const Directory directory(scratch.path());
    test::write_file(scratch / "small", "hello");
    test::write_file(scratch / "large", "hello!");
    std::filesystem::create_symlink("small", scratch / "link");
    REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
    Directory::SmallFile refused;
    {
        const test::NoMoreFiles none;
        refused = directory.open_small("small", 5);
    }
    CHECK(refused.passing_error == EMFILE);
    CHECK_FALSE(refused.text);
    const Directory::SmallFile read = directory.open_small("small", 5);
    CHECK(read.text == "hello");
    CHECK(read.passing_error == 0);
    for (const char* name : {"missing", "large", "link", "pipe"}) {
        INFO(name);
        const Directory::SmallFile none = directory.open_small(name, 5);
        CHECK_FALSE(none.text);
        CHECK(none.passing_error == 0);
    }
}

}  // namespace mistamover::arrivals
