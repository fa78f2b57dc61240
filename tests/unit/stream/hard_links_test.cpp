// SPDX-License-Identifier: BSD-3-Clause
#include "stream/hard_links.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.hpp"

namespace mistamover::stream {
namespace {

/// A directory with files of several names, which are removed as a delivery removes them.
struct LinkedFiles {
    test::Scratch scratch;
    process::UniqueFd fd{::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    HardLinks links{10};

    LinkedFiles() { std::signal(SIGIO, SIG_IGN); }  // a lease that is broken is told by it
    void make(const std::vector<std::string>& names) const {
        test::write_file(scratch / names.front(), "x");
        for (std::size_t i = 1; i < names.size(); ++i) {
            std::filesystem::create_hard_link(scratch / names.front(), scratch / names[i]);
        }
    }
    [[nodiscard]] Identity identity(const std::string& name) const {
        return look_at(fd.get(), name).manifest.entries.front().identity;
    }
    void remove(const std::string& name) {
        struct stat info {};
        REQUIRE(::fstatat(fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0);
        const HardLinks::Removal removal(links, fd.get(), name.c_str(), info);
        REQUIRE(::unlinkat(fd.get(), name.c_str(), 0) == 0);
        removal.done();
    }
    // Once the kernel's clock has moved on.
    void touch(const std::string& name) const {
        const Identity before = identity(name);
        REQUIRE(test::eventually([&] {
            REQUIRE(::fchmodat(fd.get(), name.c_str(), before.mode, 0) == 0);
            return identity(name) != before;
        }));
    }
};

}  // namespace

TEST_CASE("the other names of a file are what was sent after one of them was removed, and no longer") {
    LinkedFiles files;
    files.make({"a", "b", "c"});
    const Identity sent = files.identity("b");
    files.touch("a");
    CHECK(files.links.as_sent(files.identity("b"), sent) != sent);
    const Identity sent_later = files.identity("b");
    files.remove("a");
    CHECK(files.links.as_sent(files.identity("b"), sent_later) == sent_later);
    CHECK(files.links.as_sent(files.identity("b"), sent) != sent);
    const Identity sent_between = files.identity("c");
    files.remove("b");
    CHECK(files.links.as_sent(files.identity("c"), sent_later) == sent_later);
    CHECK(files.links.as_sent(files.identity("c"), sent_between) == sent_between);
    files.touch("c");
    CHECK(files.links.as_sent(files.identity("c"), sent_later) != sent_later);
    CHECK(files.links.as_sent(files.identity("c"), sent_between) != sent_between);
}

TEST_CASE("a file is forgotten with its last name, and where there are too many") {
    LinkedFiles files;
    files.make({"a", "b"});
    files.remove("a");
    CHECK(files.links.size() == 1);
    files.remove("b");
    CHECK(files.links.size() == 0);
    for (int i = 0; i < 100; ++i) {
        const std::string name = std::to_string(i);
        files.make({name, name + " too"});
        files.remove(name);
        CHECK(files.links.size() <= 10);
    }
    CHECK(files.links.size() >= 5);
}

}  // namespace mistamover::stream
