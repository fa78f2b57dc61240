// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include <mistamover/leftovers.hpp>

namespace mistamover {

TEST_CASE("a leftover is handed out once, and the latest counts") {
    Leftovers leftovers;
    CHECK_FALSE(leftovers.take("f"));
    leftovers.keep("f", {"resume.1", "one", 10});
    leftovers.keep("f", {"resume.2", "two", 20});
    CHECK_FALSE(leftovers.take("g"));
    const auto taken = leftovers.take("f");
    REQUIRE(taken);
    CHECK(taken->temp_name == "resume.2");
    CHECK(taken->source_identity == "two");
    CHECK(taken->confirmed == 20);
    CHECK_FALSE(leftovers.take("f"));
}

TEST_CASE("what was confirmed last is sent again") {
    CHECK(resume_offset(0) == 0);
    CHECK(resume_offset(1000) == 0);
    CHECK(resume_offset(100'000'000) < 100'000'000);
    CHECK(resume_offset(100'000'000) > 90'000'000);
}

}  // namespace mistamover
