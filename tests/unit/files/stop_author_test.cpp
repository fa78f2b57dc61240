// SPDX-License-Identifier: BSD-3-Clause
#include "files/stop_author.hpp"

#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "scratch.hpp"

namespace mistamover::test {

using namespace files;

TEST_CASE("a .stop is the disk space monitor's as long as nobody else has touched it") {
    const Scratch scratch;
    const std::filesystem::path file = scratch / ".stop";
    constexpr std::int64_t second = 1'700'000'000;
    const auto with = [&](const std::string& content, const timespec& changed) {
        write_file(file, content);
        const std::array<timespec, 2> times{changed, changed};
        REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
        return stop_author(AT_FDCWD, file.string());
    };
    CHECK(stop_author(AT_FDCWD, file.string()) == StopAuthor::none);
    const std::string text = disk_space_stop_text("disk", second);
    CHECK(text == "disk_space_monitor disk 1700000000\n");
    CHECK(with(text, {second, 0}) == StopAuthor::disk_space_monitor);
    CHECK(with(text, {second + 1, 0}) == StopAuthor::somebody_else);
    CHECK(with(text, {second, 1}) == StopAuthor::somebody_else);
    CHECK(with(text + "and I\n", {second, 0}) == StopAuthor::somebody_else);
    CHECK(with("disk_space_monitor disk\n", {second, 0}) == StopAuthor::somebody_else);
    CHECK(with("", {second, 0}) == StopAuthor::somebody_else);
    CHECK(with("maintenance until 1700000000\n", {second, 0}) == StopAuthor::somebody_else);
    std::filesystem::remove(file);
    std::filesystem::create_symlink(scratch / "elsewhere", file);
    CHECK(stop_author(AT_FDCWD, file.string()) == StopAuthor::somebody_else);
}

}  // namespace mistamover::test
