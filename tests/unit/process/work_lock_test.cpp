// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_lock.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include "scratch.hpp"

namespace mistamover::test {

using namespace process;

TEST_CASE("a work directory's lock lasts as long as its descriptor") {
    const Scratch scratch;
    const std::string directory = scratch.path().string();
    CHECK(work_lock_is_free(directory));
    UniqueFd lock = take_work_lock(directory);
    CHECK_FALSE(work_lock_is_free(directory));
    lock.reset();
    CHECK(work_lock_is_free(directory));
}

TEST_CASE("work is held back beside its lock, and where none was done, nothing is") {
    const Scratch scratch;
    const std::string directory = scratch.path().string();
    UniqueFd held = hold_back_work(directory);
    REQUIRE(held.valid());
    CHECK(work_lock_is_free(directory));
    CHECK(work_is_held_back(directory));
    const UniqueFd other(::open(directory.c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) != 0);
    held.reset();
    CHECK_FALSE(work_is_held_back(directory));
    CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
    CHECK_FALSE(hold_back_work((scratch / "missing").string()).valid());
    CHECK_FALSE(work_is_held_back((scratch / "missing").string()));
    write_file(scratch / "file", "");
    CHECK_THROWS(work_is_held_back((scratch / "file").string()));
    CHECK_THROWS(hold_back_work((scratch / "file").string()));
}

}  // namespace mistamover::test
