// SPDX-License-Identifier: BSD-3-Clause
#include "stream/manifest.hpp"

#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <system_error>

#include "files/file_system_kind.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"
#include "stream/hard_links.hpp"

namespace mistamover::stream {
namespace {

using test::Scratch;
using test::write_file;

struct Place {
    Scratch scratch;
    process::UniqueFd fd{::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

    Place() { std::signal(SIGIO, SIG_IGN); }  // a lease that is broken is told by it
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return scratch / name; }
    Look look(const std::string& name) const { return look_at(fd.get(), name); }
};

std::vector<std::string> paths(const Manifest& manifest) {
    std::vector<std::string> found;
    for (const ManifestEntry& entry : manifest.entries) {
        found.push_back(entry.path);
    }
    return found;
}

}  // namespace

TEST_CASE("a look that asks for no more than whether somebody writes ends with the first who does") {
    const Place place;
    for (const char* name : {"a", "b/1", "b/2", "c"}) {
        write_file(place / "d" / name, "x");
    }
    CHECK(look_at(place.fd.get(), "d", WritersAsked::until_found).manifest == place.look("d").manifest);
    const process::UniqueFd writer(::open((place / "d/b/1").c_str(), O_WRONLY | O_CLOEXEC));
    const Look look = look_at(place.fd.get(), "d", WritersAsked::until_found);
    CHECK(look.writers == Writers::some);
    CHECK(paths(look.manifest) == std::vector<std::string>{"d", "d/a", "d/b", "d/b/1"});
    CHECK(place.look("d").manifest.entries.size() == 6);
    CHECK(look_at(place.fd.get(), "d", WritersAsked::none).writers == Writers::none);
}

TEST_CASE("a look finds everything in a unit, directories first, and follows no link") {
    const Place place;
    write_file(place / "d/b/file", "12345");
    write_file(place / "d/.hidden", "123");
    write_file(place / "outside/file", "x");
    std::filesystem::create_symlink("../outside", place / "d/link");
    const Look look = place.look("d");
    CHECK(paths(look.manifest) == std::vector<std::string>{"d", "d/.hidden", "d/b", "d/b/file", "d/link"});
    CHECK(look.manifest.bytes == 8);
    CHECK(look.writers == Writers::none);
    CHECK(look.manifest.entries[4].identity.kind == EntryKind::symlink);
    CHECK(look.manifest == place.look("d").manifest);
    CHECK_THROWS_AS(place.look("missing"), std::system_error);
}

TEST_CASE("a writer anywhere in a unit is seen, a reader is not one") {
    const Place place;
    write_file(place / "d/file", "x");
    const process::UniqueFd reader(::open((place / "d/file").c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(place.look("d").writers == Writers::none);
    const process::UniqueFd writer(::open((place / "d/file").c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(place.look("d").writers == Writers::some);
    CHECK(place.look("d").writers_of_entry[1] == Writers::some);
    CHECK(writers_of(place.fd.get(), "missing") == Writers::vanished);
}

TEST_CASE("only on a local file system does a lease tell that nobody writes") {
    using files::FileSystemKind;
    CHECK(writers_by_lease(FileSystemKind::local, 0) == Writers::none);
    CHECK(writers_by_lease(FileSystemKind::local, EAGAIN) == Writers::some);
    CHECK(writers_by_lease(FileSystemKind::local, EACCES) == Writers::cannot_tell);
    CHECK(writers_by_lease(FileSystemKind::shared, 0) == Writers::cannot_tell);
    CHECK(writers_by_lease(FileSystemKind::shared, EAGAIN) == Writers::some);
    CHECK(writers_by_lease(FileSystemKind::shared, EINVAL) == Writers::cannot_tell);
    CHECK(writers_by_lease(FileSystemKind::delegating, 0) == Writers::cannot_tell);
    CHECK(writers_by_lease(FileSystemKind::delegating, EAGAIN) == Writers::cannot_tell);
    CHECK(writers_by_lease(FileSystemKind::delegating, EINVAL) == Writers::cannot_tell);
}

TEST_CASE("file systems are told apart by their magic numbers") {
    using files::FileSystemKind;
    for (const std::uint32_t local : {0xEF53U, 0x58465342U, 0x9123683EU, 0x01021994U, 0x794C7630U}) {
        CHECK(files::kind_of_magic(local) == FileSystemKind::local);
    }
    for (const std::uint32_t shared : {0x65735546U, 0x00C36400U, 0x01021997U, 0x5346414FU, 0x6B414653U,
                                       0x0BD00BD0U, 0x47504653U, 0x7461636FU}) {
        CHECK(files::kind_of_magic(shared) == FileSystemKind::shared);
    }
    for (const std::uint32_t delegating : {0x6969U, 0x517BU, 0xFF534D42U, 0xFE534D42U}) {
        CHECK(files::kind_of_magic(delegating) == FileSystemKind::delegating);
    }
}

TEST_CASE("the kind of a file system that cannot be told is not taken for a local one") {
    using files::FileSystemKind;
    const Place place;
    write_file(place / "f", "x");
    struct stat info {};
    REQUIRE(::fstat(place.fd.get(), &info) == 0);
    CHECK(files::file_system_kind(-1) == FileSystemKind::shared);
    CHECK(files::file_system_kind(place.fd.get(), "missing", info.st_dev + 1) == FileSystemKind::shared);
    CHECK(files::file_system_kind(place.fd.get(), "f", info.st_dev + 1) == FileSystemKind::shared);
    CHECK(files::file_system_kind(place.fd.get(), "f", info.st_dev) ==
          files::file_system_kind(place.fd.get()));
}

TEST_CASE("a look tells when it was, and that a local file system is one") {
    const Place place;
    write_file(place / "f", "x");
    const auto before = std::chrono::steady_clock::now();
    const Look look = place.look("f");
    CHECK_FALSE(look.remote);
    CHECK(before <= look.begun);
    CHECK(look.begun <= look.ended);
    CHECK(look.ended <= std::chrono::steady_clock::now());
}

TEST_CASE("any change of a file is a change of the manifest, also where its times are set back") {
    const Place place;
    write_file(place / "d/file", "old");
    const Manifest before = place.look("d").manifest;
    const auto time = std::filesystem::last_write_time(place / "d/file");
    CHECK(test::eventually([&] {  // until the kernel's clock has moved on
        write_file(place / "d/file", "new");
        std::filesystem::last_write_time(place / "d/file", time);
        return place.look("d").manifest != before;
    }));
}

TEST_CASE("exactly what the manifest says is removed") {
    HardLinks links;
    const Place place;
    write_file(place / "d/a", "a");
    write_file(place / "d/b", "b");
    const Manifest sent = place.look("d").manifest;

    SUBCASE("all of it, where nothing has changed") {
        CHECK(remove_manifest(place.fd.get(), sent, links).all);
        CHECK_FALSE(std::filesystem::exists(place / "d"));
    }
    SUBCASE("what has gone meanwhile is no obstacle") {
        std::filesystem::remove(place / "d/a");
        CHECK(remove_manifest(place.fd.get(), sent, links).all);
    }
    SUBCASE("a file of several names goes under all of them") {
        std::filesystem::create_hard_link(place / "d/a", place / "d/z");
        CHECK(remove_manifest(place.fd.get(), place.look("d").manifest, links).all);
        CHECK_FALSE(std::filesystem::exists(place / "d"));
    }
    SUBCASE("nothing more goes after the first that stays, and whether anything has gone is told") {
        write_file(place / "d/a", "a and more");
        const ManifestRemoval last = remove_manifest(place.fd.get(), sent, links);
        CHECK_FALSE(last.all);
        CHECK(last.some);
        CHECK(std::filesystem::exists(place / "d/a"));
        write_file(place / "d/b", "b and more");
        CHECK_FALSE(remove_manifest(place.fd.get(), sent, links).some);
    }
    SUBCASE("a file that came later stays") {
        write_file(place / "d/later", "later");
        CHECK_FALSE(remove_manifest(place.fd.get(), sent, links).all);
        CHECK(std::filesystem::exists(place / "d/later"));
    }
    SUBCASE("a file that was appended to after the look stays") {
        write_file(place / "d/b", "b and more");
        CHECK_FALSE(remove_manifest(place.fd.get(), sent, links).all);
        CHECK(test::read_file(place / "d/b") == "b and more");
    }
    SUBCASE("a file that a writer has open stays") {
        const process::UniqueFd writer(::open((place / "d/b").c_str(), O_WRONLY | O_CLOEXEC));
        CHECK_FALSE(remove_manifest(place.fd.get(), sent, links).all);
        CHECK(std::filesystem::exists(place / "d/b"));
    }
}

}  // namespace mistamover::stream
