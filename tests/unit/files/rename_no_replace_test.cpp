// SPDX-License-Identifier: BSD-3-Clause
#include "files/rename_no_replace.hpp"

#include <cerrno>
#include <doctest/doctest.h>

#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::files {

using test::read_file;
using test::Scratch;
using test::write_file;

TEST_CASE("a renaming gives a free name, and never takes one that is in use") {
    for (const auto rename : {rename_no_replace, rename_in_steps, set_aside, set_aside_in_steps}) {
        const Scratch scratch;
        const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto end = [&](const std::string& path) { return RenameEnd{directory.get(), path}; };
        write_file(scratch / "file", "file");
        write_file(scratch / "tree/inner", "inner");
        std::filesystem::create_symlink("nowhere", scratch / "link");
        write_file(scratch / "taken", "taken");
        for (const std::string name : {"file", "tree", "link"}) {
            CHECK(rename(end(name), end("taken")) == EEXIST);
            CHECK(std::filesystem::exists(std::filesystem::symlink_status(scratch / name)));
            CHECK(rename(end(name), end(name + '2')) == 0);
            CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(scratch / name)));
        }
        CHECK(read_file(scratch / "file2") == "file");
        CHECK(read_file(scratch / "tree2/inner") == "inner");
        CHECK(std::filesystem::read_symlink(scratch / "link2") == "nowhere");
        CHECK(read_file(scratch / "taken") == "taken");
        CHECK(rename(end("missing"), end("free")) == ENOENT);
        CHECK(rename(end("file2"), end("no directory/file")) == ENOENT);
    }
}

}  // namespace mistamover::files
