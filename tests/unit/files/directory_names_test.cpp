// SPDX-License-Identifier: BSD-3-Clause
#include "files/directory_names.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <system_error>

#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::test {

TEST_CASE(
    "every name in a directory is listed, whatever its bytes, but for the two that every directory has") {
    const Scratch scratch;
    const std::vector<std::string> made{"\xff\xfe", ".hidden", "a\nb", "plain"};
    for (const std::string& name : made) {
        write_file(scratch.path() / "in" / name, "");
    }
    const process::UniqueFd top(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::vector<std::string> names = files::directory_names(top.get(), "in", "in");
    std::sort(names.begin(), names.end());
    std::vector<std::string> expected = made;
    std::sort(expected.begin(), expected.end());
    CHECK(names == expected);
}

TEST_CASE("a directory that is not there, or is only linked, is an error that names what was wanted") {
    const Scratch scratch;
    std::filesystem::create_directory(scratch / "in");
    std::filesystem::create_directory_symlink(scratch / "in", scratch / "link");
    for (const std::string name : {"missing", "link"}) {
        try {
            (void)files::directory_names(AT_FDCWD, scratch / name, "the list of " + name);
            FAIL("nothing was thrown for ", name);
        } catch (const std::system_error& error) {
            CHECK(std::string(error.what()).find("the list of " + name) == 0);
        }
    }
}

}  // namespace mistamover::test
