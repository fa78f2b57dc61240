// SPDX-License-Identifier: BSD-3-Clause
#include "stream/source_mark.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::stream {

TEST_CASE("where a directory lay when it had something in it is known to the next process") {
    const test::Scratch scratch;
    CHECK(SourceMark(scratch.path(), scratch.path()).moved_from().empty());
    SourceMark(scratch.path(), scratch.path()).note();
    CHECK(SourceMark(scratch.path(), scratch.path()).moved_from().empty());
    const std::string elsewhere = SourceMark(scratch.path(), "/proc").moved_from();
    CHECK(elsewhere == test::read_file(scratch / "source-mount"));
    CHECK_FALSE(elsewhere.empty());
    SourceMark(scratch.path(), "/proc").note();
    CHECK(SourceMark(scratch.path(), "/proc").moved_from().empty());
}

}  // namespace mistamover::stream
