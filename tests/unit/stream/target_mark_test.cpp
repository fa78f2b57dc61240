// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_mark.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::stream {

TEST_CASE("the mark outlives the process that has set it, until it is cleared") {
    const test::Scratch work;
    TargetMark mark(work.path());
    CHECK_FALSE(mark.is_set());
    mark.set();
    CHECK(mark.is_set());
    CHECK(TargetMark(work.path()).is_set());
    TargetMark(work.path()).clear();
    CHECK_FALSE(mark.is_set());
}

TEST_CASE("it can be set again after it was cleared, and tried again where it could not be set") {
    const test::Scratch work;
    TargetMark mark(work / "not yet");
    mark.set();
    CHECK_FALSE(mark.is_set());
    std::filesystem::create_directory(work / "not yet");
    mark.set();
    CHECK(mark.is_set());
    mark.clear();
    mark.set();
    CHECK(mark.is_set());
}

}  // namespace mistamover::stream
