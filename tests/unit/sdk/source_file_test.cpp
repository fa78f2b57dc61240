// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>

#include <mistamover/source_file.hpp>
#include <mistamover/transfer_module.hpp>

#include "put_item.hpp"
#include "scratch.hpp"

namespace mistamover::test {
namespace {

PutItem item_of(const Scratch& scratch, const char* name) {
    return put_item(scratch.path(), name);
}

template <typename Call>
StatusCode code_of(Call&& call) {
    try {
        (void)call();
    } catch (const StatusError& error) {
        return error.status().code();
    }
    return StatusCode::ok;
}

}  // namespace

TEST_CASE("a source is read from any offset, and is unchanged as long as nobody touches it") {
    const Scratch scratch;
    write_file(scratch / "file", "0123456789");
    const SourceRoot root(scratch.path().native());
    SourceFile file(root, item_of(scratch, "file"));
    std::string part(4, '-');
    CHECK(file.read(3, part.data(), part.size()).ok());
    CHECK(part == "3456");
    CHECK(file.check_unchanged().ok());
}

TEST_CASE("a source that ends early is filled with zeros, and has changed") {
    const Scratch scratch;
    write_file(scratch / "file", "0123456789");
    const SourceRoot root(scratch.path().native());
    SourceFile file(root, item_of(scratch, "file"));
    write_file(scratch / "file", "0123");
    std::string part(6, '-');
    CHECK(file.read(2, part.data(), part.size()).code() == StatusCode::source_changed);
    CHECK(part == std::string("23\0\0\0\0", 6));
    CHECK(file.check_unchanged().code() == StatusCode::source_changed);
}

TEST_CASE("a writer that sets the modification time back is noticed") {
    const Scratch scratch;
    write_file(scratch / "file", "before");
    struct stat info {};
    REQUIRE(::lstat((scratch / "file").c_str(), &info) == 0);
    const SourceRoot root(scratch.path().native());
    const SourceFile file(root, item_of(scratch, "file"));
    write_file(scratch / "file", "after!");
    const timespec times[2]{info.st_atim, info.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, (scratch / "file").c_str(), times, 0) == 0);
    CHECK(file.check_unchanged().code() == StatusCode::source_changed);
}

TEST_CASE("another file under the name, a link in its place or none is a source that has changed") {
    const Scratch scratch;
    write_file(scratch / "file", "one");
    const PutItem item = item_of(scratch, "file");
    const SourceRoot root(scratch.path().native());
    std::filesystem::rename(scratch / "file", scratch / "other");
    CHECK(code_of([&] { return SourceFile(root, item).check_unchanged(); }) == StatusCode::source_changed);
    std::filesystem::create_symlink("other", scratch / "file");
    CHECK(code_of([&] { return SourceFile(root, item).check_unchanged(); }) == StatusCode::source_changed);
    CHECK(root.read_link(item_of(scratch, "file")) == "other");
    CHECK(code_of([&] { return root.read_link(item); }) == StatusCode::source_changed);
}

TEST_CASE("a source has another identity once it was written to, whatever its modification time says") {
    const Scratch scratch;
    write_file(scratch / "file", "one");
    const PutItem item = item_of(scratch, "file");
    const SourceRoot root(scratch.path().native());
    const std::string before = SourceFile(root, item).identity();
    CHECK(SourceFile(root, item).identity() == before);
    const auto written = std::filesystem::last_write_time(scratch / "file");
    // A file system's clock may stand still for some milliseconds.
    CHECK(eventually([&] {
        write_file(scratch / "file", "two");
        std::filesystem::last_write_time(scratch / "file", written);
        return SourceFile(root, item).identity() != before;
    }));
}

TEST_CASE("what every source would fail with is the session's failure, what one fails with the item's") {
    for (const int error :
         {ENODEV, ENOTCONN, EHOSTDOWN, EHOSTUNREACH, ETIMEDOUT, ESTALE, ENOMEM, EMFILE, ENFILE}) {
        CAPTURE(error);
        const Status status = source_failure(error, "read", "a");
        CHECK(status.code() == StatusCode::local_io);
        CHECK(status.scope() == StatusScope::session);
        CHECK(status.protocol_code() == error);
    }
    for (const int error : {EIO, EACCES, EPERM, ENOENT, ENOTDIR, ELOOP, ENXIO}) {
        CAPTURE(error);
        CHECK(source_failure(error, "read", "a").scope() == StatusScope::item);
    }
    for (const int error : {ENOENT, ENOTDIR, ELOOP, ENXIO}) {
        CAPTURE(error);
        CHECK(source_failure(error, "open", "a").code() == StatusCode::source_changed);
    }
}

TEST_CASE("what cannot be read is told by its errno; a root that is not there concerns every item") {
    CHECK(source_failure(EIO, "read", "a").code() == StatusCode::local_io);
    CHECK(source_failure(EACCES, "open", "a").code() == StatusCode::permission);
    try {
        const SourceRoot root("/nowhere/at/all");
        FAIL("there is no such directory");
    } catch (const StatusError& error) {
        CHECK(error.status().scope() == StatusScope::session);
    }
}

}  // namespace mistamover::test
