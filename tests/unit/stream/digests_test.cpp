// SPDX-License-Identifier: BSD-3-Clause
#include "stream/digests.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "no_digests.hpp"
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
    [[nodiscard]] ManifestEntry endless() const {
        constexpr std::uint64_t size = 1ULL << 42U;
        test::write_file(scratch / "endless", "");
        std::filesystem::resize_file(scratch / "endless", size);
        return entry_of("endless", size);
    }
    static ManifestEntry entry_of(const char* name, std::uint64_t size) {
        ManifestEntry entry{name, {}};
        entry.identity.size = size;
        return entry;
    }
};

}  // namespace

TEST_CASE("each file has its digest, or the reason why it has none") {
    const DigestsFixture fixture;
    test::write_file(fixture.scratch / "a", "hello");
    Digests digests(fixture.directory.get(), {DigestsFixture::entry_of("a", 5), {"missing", {}}}, "md5",
                    fixture.cancel);
    REQUIRE(digests.wait().size() == 2);
    CHECK(digests.wait()[0].status.ok());
    CHECK(digests.wait()[0].text == "5d41402abc4b2a76b9719d911017c592");
    CHECK(digests.wait()[1].status.code() == StatusCode::not_found);
}

TEST_CASE("where OpenSSL refuses the algorithm that is the stream's failure, and no file's") {
    const DigestsFixture fixture;
    test::write_file(fixture.scratch / "a", "hello");
    const test::NoDigests refused;
    Digests digests(fixture.directory.get(), {DigestsFixture::entry_of("a", 5)}, "md5", fixture.cancel);
    const Digests::Digest& digest = digests.wait().at(0);
    CHECK(digest.text.empty());
    CHECK(digest.status.scope() == StatusScope::stream);
    CHECK(digest.status.text().find("refuses to compute md5") != std::string_view::npos);
}

TEST_CASE("digests that nobody waits for are given up") {
    const DigestsFixture fixture;
    const Digests digests(fixture.directory.get(), {fixture.endless()}, "md5", fixture.cancel);
}

TEST_CASE("digests are given up where the stream gives up") {
    DigestsFixture fixture;
    Digests digests(fixture.directory.get(), {fixture.endless()}, "md5", fixture.cancel);
    fixture.cancel.cancel();
    CHECK(digests.wait()[0].status.code() == StatusCode::cancelled);
}

}  // namespace mistamover::stream
