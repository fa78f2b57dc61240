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

TEST_CASE("the disks that belong in a directory, and are not there, are told by their paths in it") {
    const test::Scratch scratch;
    const std::filesystem::path source = std::filesystem::canonical(scratch.path()) / "source";
    test::write_file(scratch / "mounted", "/dev/root / ext4 rw 0 0\n");
    test::write_file(scratch / "wanted", "/dev/sdb1 " + source.string() + "/a/disk ext4 nofail 0 2\n");
    const SourceMark mark(scratch.path(), source, {scratch / "mounted", scratch / "wanted"});
    CHECK(mark.missing_below() == std::vector<std::string>{"a/disk"});
    CHECK(SourceMark(scratch.path(), source / "a/disk").missing_below().empty());
}

}  // namespace mistamover::stream
