// SPDX-License-Identifier: BSD-3-Clause
#include "stream/deletability.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mere_user.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::stream {
namespace {

using test::MereUser;
using test::Scratch;
using test::write_file;

}  // namespace

TEST_CASE("that a unit cannot be removed is known beforehand") {
    const Scratch scratch;
    const process::UniqueFd fd(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::filesystem::create_directory(scratch / "d");
    write_file(scratch / "d/f", "sent");
    write_file(scratch / "f", "sent");
    const Manifest directory = look_at(fd.get(), "d").manifest;
    const Manifest file = look_at(fd.get(), "f").manifest;
    REQUIRE(::chmod(scratch.path().c_str(), 0777) == 0);
    REQUIRE(::chmod((scratch / "d").c_str(), 0777) == 0);
    {
        const MereUser user;
        CHECK(refuses_removal(fd.get(), directory) == 0);
        CHECK(refuses_removal(fd.get(), file) == 0);
    }
    REQUIRE(::chmod((scratch / "d").c_str(), 0555) == 0);
    {
        const MereUser user;
        CHECK(refuses_removal(fd.get(), directory) == EACCES);
    }
    REQUIRE(::chmod((scratch / "d").c_str(), 0777) == 0);
    if (::geteuid() == 0) {  // an ordinary user owns all that he can make
        REQUIRE(::chmod(scratch.path().c_str(), 01777) == 0);
        CHECK(refuses_removal(fd.get(), file) == 0);
        const MereUser user;
        CHECK(refuses_removal(fd.get(), file) == EPERM);
    }
}

TEST_CASE("that nothing can be removed from a directory is known beforehand") {
    const Scratch scratch;
    const process::UniqueFd fd(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(::chmod(scratch.path().c_str(), 0777) == 0);
    {
        const MereUser user;
        CHECK(refuses_removals(fd.get()) == 0);
    }
    REQUIRE(::chmod(scratch.path().c_str(), 0555) == 0);
    {
        const MereUser user;
        CHECK(refuses_removals(fd.get()) == EACCES);
    }
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
}

TEST_CASE("that a directory of the unit gives nobody else's files away is known beforehand") {
    const Scratch scratch;
    const process::UniqueFd fd(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    write_file(scratch / "d/s/f", "sent");
    for (const char* path : {"", "d"}) {
        REQUIRE(::chmod((scratch / path).c_str(), 0777) == 0);
    }
    REQUIRE(::chmod((scratch / "d/s").c_str(), 01777) == 0);
    const Manifest manifest = look_at(fd.get(), "d").manifest;
    CHECK(refuses_removal(fd.get(), manifest) == 0);
    if (::geteuid() == 0) {  // an ordinary user owns all that he can make
        {
            const MereUser user;
            CHECK(refuses_removal(fd.get(), manifest) == EPERM);
            CHECK(refuses_deletion(fd.get(), manifest) == EPERM);
        }
        REQUIRE(::chown((scratch / "d/s").c_str(), MereUser::id, MereUser::id) == 0);
        const MereUser user;  // who owns that directory
        CHECK(refuses_removal(fd.get(), manifest) == 0);
    }
}

TEST_CASE("what is immutable, or may only grow, is known beforehand, an empty directory, too") {
    const Scratch scratch;
    const process::UniqueFd fd(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    write_file(scratch / "d/f", "sent");
    std::filesystem::create_directory(scratch / "d/empty");
    for (const char* path : {"d/f", "d/empty"}) {
        for (const int flag : {FS_IMMUTABLE_FL, FS_APPEND_FL}) {
            CAPTURE(path);
            CAPTURE(flag);
            const process::UniqueFd entry(::open((scratch / path).c_str(), O_RDONLY | O_CLOEXEC));
            int before = 0;
            int frozen = flag;
            if (::ioctl(entry.get(), FS_IOC_GETFLAGS, &before) != 0 ||
                ::ioctl(entry.get(), FS_IOC_SETFLAGS, &(frozen |= before)) != 0) {
                MESSAGE("not tested: only root may make a file immutable, and not on every file system");
                return;
            }
            CHECK(refuses_removal(fd.get(), look_at(fd.get(), "d").manifest) == EPERM);
            REQUIRE(::ioctl(entry.get(), FS_IOC_SETFLAGS, &before) == 0);
            CHECK(refuses_removal(fd.get(), look_at(fd.get(), "d").manifest) == 0);
        }
    }
}

}  // namespace mistamover::stream
