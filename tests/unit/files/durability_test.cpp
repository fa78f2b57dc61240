// SPDX-License-Identifier: BSD-3-Clause
#include "files/durability.hpp"

#include <array>
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::files {

TEST_CASE("files and their names are brought to the disk, be they few or many") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::size_t count : {1UL, 100UL}) {
        std::vector<std::string> names;
        for (std::size_t number = 0; number < count; ++number) {
            names.push_back(std::to_string(number));
            test::write_file(scratch / names.back(), "content");
        }
        CHECK(write_out(directory.get(), names) == 0);
    }
    CHECK_FALSE(write_out_together(directory.get(), 1));
    const process::UniqueFd file(::open((scratch / "0").c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(write_out_rest(file.get()) == 0);
}

TEST_CASE("what cannot be brought to the disk is told of, but for what knows no disk") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(write_out(directory.get(), {"missing"}) == ENOENT);
    std::filesystem::create_symlink("missing", scratch / "link");
    CHECK(write_out(directory.get(), {"link"}) == ELOOP);
    CHECK(write_out(directory.get(), std::vector<std::string>(100, "missing")) == ENOENT);
    CHECK(write_out(-1) == EBADF);
    CHECK(write_out_rest(-1) == EBADF);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const process::UniqueFd reading(ends[0]);
    const process::UniqueFd writing(ends[1]);
    CHECK(write_out(writing.get()) == 0);
    CHECK(write_out_rest(writing.get()) == 0);
}

}  // namespace mistamover::files
