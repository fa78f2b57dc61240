// SPDX-License-Identifier: BSD-3-Clause
#include "stream/digests.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "process/unique_fd.hpp"
#include "scratch.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

struct DigestsFixture {
    test::Scratch scratch;
    process::UniqueFd directory{::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    CancelToken cancel;

    // One whose digest takes hours.
    void make_endless(const char* name) const {
        test::write_file(scratch / name, "");
        std::filesystem::resize_file(scratch / name, 1ULL << 42U);
    }
};

}  // namespace

TEST_CASE("each file has its digest, or the reason why it has none") {
    const DigestsFixture fixture;
    test::write_file(fixture.scratch / "a", "hello");
    Digests digests(fixture.directory.get(), {{"a", {}}, {"missing", {}}}, "md5", fixture.cancel);
    REQUIRE(digests.wait().size() == 2);
    CHECK(digests.wait()[0].status.ok());
    CHECK(digests.wait()[0].text == "5d41402abc4b2a76b9719d911017c592");
    CHECK(digests.wait()[1].status.code() == StatusCode::not_found);
}

TEST_CASE("digests that nobody waits for are given up") {
    const DigestsFixture fixture;
    fixture.make_endless("endless");
    const Digests digests(fixture.directory.get(), {{"endless", {}}}, "md5", fixture.cancel);
}

TEST_CASE("digests are given up where the stream gives up") {
    DigestsFixture fixture;
    fixture.make_endless("endless");
    Digests digests(fixture.directory.get(), {{"endless", {}}}, "md5", fixture.cancel);
    fixture.cancel.cancel();
    CHECK(digests.wait()[0].status.code() == StatusCode::cancelled);
}

}  // namespace mistamover::stream
