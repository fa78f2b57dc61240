// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/late_space.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

using namespace disk_space;
using namespace std::chrono_literals;

TEST_CASE("what is not free at once is late until it comes, or for long enough") {
    const LateSpace::Time start{};
    LateSpace late;
    late.deleted(start, 100, 10);
    late.deleted(start + 20s, 50, 0);
    CHECK(late.bytes() == 140);
    late.came_back(100);
    CHECK(late.bytes() == 40);
    late.give_up(start + 49s);
    CHECK(late.bytes() == 40);
    late.give_up(start + 50s);
    CHECK(late.bytes() == 0);
    late.came_back(7);
    CHECK(late.bytes() == 0);
}

TEST_CASE("where most is free at once, the rest was written by others") {
    LateSpace late;
    late.deleted({}, 100, 50);
    late.deleted({}, 100, 200);
    late.deleted({}, 0, 0);
    CHECK(late.bytes() == 0);
    late.deleted({}, 100, 49);
    CHECK(late.bytes() == 51);
    late.give_up_all();
    CHECK(late.bytes() == 0);
}

}  // namespace mistamover::test
