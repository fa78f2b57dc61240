// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>

#include "local/file_copy.hpp"
#include "local_fixture.hpp"

namespace mistamover::local::test {
namespace {

struct OpenPair {
    OpenPair(const fs::path& from, const fs::path& to)
        : source(::open(from.c_str(), O_RDONLY)), target(::open(to.c_str(), O_WRONLY | O_CREAT, 0600)) {
        REQUIRE(source.valid());
        REQUIRE(target.valid());
        REQUIRE(::fstat(source.get(), &found) == 0);
    }
    FileDescriptor source;
    FileDescriptor target;
    struct stat found = {};
};

}  // namespace

TEST_CASE("a write that fails is told apart from a read that fails") {
    const ScratchDirectory scratch(first_file_system());
    write_file(scratch.path() / "a", pattern_of(200'000));
    FakeContext context;
    FileCopier copier(context, false);
    OpenPair full(scratch.path() / "a", "/dev/full");
    CopyResult result = copier.copy(full.source.get(), full.target.get(), full.found);
    CHECK(result.end == CopyResult::End::write_failed);
    CHECK(result.error == ENOSPC);

    OpenPair good(scratch.path() / "a", scratch.path() / "b");
    const FileDescriptor unreadable(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY));
    result = copier.copy(unreadable.get(), good.target.get(), good.found);
    CHECK(result.end == CopyResult::End::read_failed);
    CHECK(result.error == EISDIR);
}

TEST_CASE("what one pair of file systems cannot do is tried again on another") {
    const ScratchDirectory here(first_file_system());
    const ScratchDirectory there(other_file_system());
    const std::string content = pattern_of(300'000);
    write_file(here.path() / "a", content);
    write_file(there.path() / "a", content);
    FakeContext context;
    FileCopier copier(context, false);
    for (int round = 0; round < 2; ++round) {
        for (const fs::path& from : {here.path(), there.path()}) {
            for (const fs::path& to : {here.path(), there.path()}) {
                fs::remove(to / "copy");
                OpenPair pair(from / "a", to / "copy");
                const CopyResult result = copier.copy(pair.source.get(), pair.target.get(), pair.found);
                CHECK(result.end == CopyResult::End::complete);
                CHECK(result.bytes == content.size());
                CHECK((read_file(to / "copy") == content));
            }
        }
    }
}

TEST_CASE("a source that ends early is not complete") {
    const ScratchDirectory scratch(first_file_system());
    for (const bool paced : {false, true}) {
        write_file(scratch.path() / "a", pattern_of(200'000));
        fs::remove(scratch.path() / "b");
        OpenPair pair(scratch.path() / "a", scratch.path() / "b");
        fs::resize_file(scratch.path() / "a", 150'000);
        FakeContext context;
        FileCopier copier(context, paced);
        const CopyResult result = copier.copy(pair.source.get(), pair.target.get(), pair.found);
        CHECK((result.end == CopyResult::End::source_short || result.bytes == 200'000));
        CHECK(result.end != CopyResult::End::write_failed);
    }
}

}  // namespace mistamover::local::test
