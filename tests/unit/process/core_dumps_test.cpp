// SPDX-License-Identifier: BSD-3-Clause
#include "process/core_dumps.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <sys/resource.h>

namespace mistamover::test {

TEST_CASE("no core is left, not even with a handler, but one can be allowed again") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
    rlimit limit = before;
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_CORE, &limit) == 0);
    process::leave_no_core();
    REQUIRE(::getrlimit(RLIMIT_CORE, &limit) == 0);
    CHECK(limit.rlim_cur == std::min<rlim_t>(1, limit.rlim_max));
    CHECK(limit.rlim_max == before.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_CORE, &before) == 0);
}

}  // namespace mistamover::test
