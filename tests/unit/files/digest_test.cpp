// SPDX-License-Identifier: BSD-3-Clause
#include "files/digest.hpp"

#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>

#include "no_digests.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::files {
namespace {

constexpr std::uint64_t all = 10'000'000;

bool never() {
    return false;
}

}  // namespace

TEST_CASE("digests are those that the algorithms' authors publish") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "abc", "abc");
    test::write_file(scratch / "empty", "");
    CHECK(digest_of(directory.get(), "abc", all, "md5", never) == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(digest_of(directory.get(), "empty", all, "md5", never) == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(digest_of(directory.get(), "abc", all, "sha256", never) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest_of(directory.get(), "abc", all, "blake2b512", never) ==
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    test::write_file(scratch / "long", std::string(1'000'000, 'a'));
    CHECK(digest_of(directory.get(), "long", all, "md5", never) == "7707d6ae4e027c70eea2a935c2296f21");
    CHECK(digest_of(directory.get(), "long", 0, "md5", never) == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(digest_of(directory.get(), "long", 3, "md5", never) == "47bce5c74f589f4867dbd57e9ca9f808");
}

TEST_CASE("what cannot be read has no digest") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "file", "x");
    std::filesystem::create_symlink("file", scratch / "link");
    std::filesystem::create_directory(scratch / "directory");
    REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
    for (const char* name : {"missing", "link", "directory", "pipe"}) {
        CHECK_THROWS_AS(digest_of(directory.get(), name, all, "md5", never), std::system_error);
    }
}

TEST_CASE("an algorithm that OpenSSL refuses, or does not know, gives no digest") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "abc", "abc");
    CHECK_THROWS_AS(digest_of(directory.get(), "abc", all, "nonsense", never), DigestRefused);
    {
        const test::NoDigests refused;
        CHECK_THROWS_WITH_AS(digest_of(directory.get(), "abc", all, "md5", never),
                             "this machine's OpenSSL refuses to compute md5", DigestRefused);
        CHECK_THROWS_AS(digest_of(directory.get(), "abc", 0, "md5", never), DigestRefused);
    }
    CHECK(digest_of(directory.get(), "abc", all, "md5", never) == "900150983cd24fb0d6963f7d28e17f72");
}

TEST_CASE("a file that somebody has a lease on is waited for until that is given back") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "abc", "abc");
    process::UniqueFd holder(::open((scratch / "abc").c_str(), O_RDWR | O_CLOEXEC));
    std::signal(SIGIO, SIG_IGN);  // which tells that somebody waits
    REQUIRE(::fcntl(holder.get(), F_SETLEASE, F_WRLCK) == 0);
    CHECK_THROWS_AS(digest_of(directory.get(), "abc", all, "md5", [] { return true; }), std::system_error);
    const auto give_back = [&] {
        holder.reset();
        return false;
    };
    CHECK(digest_of(directory.get(), "abc", all, "md5", give_back) == "900150983cd24fb0d6963f7d28e17f72");
}

TEST_CASE("a digest is given up in the midst of a file") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "long", std::string(1'000'000, 'a'));
    int asked = 0;
    try {
        (void)digest_of(directory.get(), "long", all, "md5", [&] { return ++asked == 2; });
        FAIL("it was not given up");
    } catch (const std::system_error& error) {
        CHECK(error.code().value() == ECANCELED);
    }
    CHECK(asked == 2);
}

}  // namespace mistamover::files
