// SPDX-License-Identifier: BSD-3-Clause
#include "process/open_files.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

namespace mistamover::test {

TEST_CASE("a limit of open files is raised as far as it may be") {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlim_t highest = limit.rlim_max;
    limit.rlim_cur = 100;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    process::allow_many_files();
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == highest);
}

}  // namespace mistamover::test
