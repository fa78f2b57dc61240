// SPDX-License-Identifier: BSD-3-Clause
#include "process/unique_fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

namespace mistamover::test {

using process::UniqueFd;

TEST_CASE("a descriptor is closed by its last owner alone") {
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
    int number = -1;
    {
        UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        REQUIRE(first.valid());
        number = first.get();
        UniqueFd second(std::move(first));
        CHECK_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what is left of it is what is asked
        CHECK(second.get() == number);
        UniqueFd third;
        third = std::move(second);
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("what was released is not closed") {
    int number = -1;
    {
        UniqueFd owner(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        number = owner.release();
        CHECK_FALSE(owner.valid());
    }
    CHECK(::close(number) == 0);
}

}  // namespace mistamover::test
