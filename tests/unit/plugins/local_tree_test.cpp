// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>

#include "local/tree.hpp"
#include "local_fixture.hpp"

namespace mistamover::local::test {

TEST_CASE("a path is split at its last slash") {
    CHECK(split_path("a/b/c").directory == "a/b");
    CHECK(split_path("a/b/c").name == "c");
    CHECK(split_path("c").directory.empty());
    CHECK(split_path("c").name == "c");
}

TEST_CASE("a place is found without leaving the tree") {
    const ScratchDirectory scratch(first_file_system());
    fs::create_directories(scratch.path() / "root/a/b");
    fs::create_directory_symlink("../a", scratch.path() / "root/a/link");
    write_file(scratch.path() / "outside", "x");
    Tree tree((scratch.path() / "root").string(), "target directory");

    CHECK(tree.place("").directory == tree.root());
    CHECK(std::string_view(tree.place("").name) == ".");
    CHECK(tree.place("name").directory == tree.root());
    const Place deep = tree.place("a/b/name");
    CHECK(std::string_view(deep.name) == "name");
    struct stat found = {};
    REQUIRE(::fstat(deep.directory, &found) == 0);
    CHECK(found.st_ino == look(scratch.path() / "root/a/b").st_ino);

    for (const char* bad : {"..", "../outside", "a/../../outside", "a/..", "a/b/../../../outside"}) {
        CAPTURE(bad);
        CHECK(tree.place(bad).directory == -1);
        CHECK(errno == EINVAL);
    }
    for (const char* bad : {"a/link/x", "missing/x"}) {
        CAPTURE(bad);
        CHECK(tree.place(bad).directory == -1);
    }
    CHECK_FALSE(tree.open("a/link", O_RDONLY).valid());
    CHECK(tree.open("a/b", O_RDONLY).valid());
}

TEST_CASE("the directory of the last path is forgotten when asked") {
    const ScratchDirectory scratch(first_file_system());
    fs::create_directory(scratch.path() / "a");
    write_file(scratch.path() / "a/f", "old");
    Tree tree(scratch.path().string(), "target directory");
    CHECK(tree.open("a/f", O_RDONLY).valid());
    fs::rename(scratch.path() / "a", scratch.path() / "b");
    fs::create_directory(scratch.path() / "a");
    tree.forget();
    CHECK_FALSE(tree.open("a/f", O_RDONLY).valid());
}

TEST_CASE("the root's own path may contain links") {
    const ScratchDirectory scratch(first_file_system());
    fs::create_directory(scratch.path() / "disk");
    fs::create_directory_symlink("disk", scratch.path() / "link");
    const Tree tree((scratch.path() / "link").string(), "target directory");
    CHECK_NOTHROW(tree.check_still_there());
    fs::remove(scratch.path() / "link");
    CHECK_THROWS(tree.check_still_there());
}

}  // namespace mistamover::local::test
