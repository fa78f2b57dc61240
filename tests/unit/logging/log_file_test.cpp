// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_file.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "log_test_support.hpp"

namespace mistamover::logging {
namespace {

using test::read_file;
using test::TestDirectory;
using test::write_file;

constexpr LogFile::Rotation no_rotation{};

int write(LogFile& file, std::string_view lines, LogFile::Rotation rotation = no_rotation) {
    const int error = file.prepare(rotation, lines.size());
    return error != 0 ? error : file.append(lines);
}

TEST_CASE("the file and its directory are made") {
    const TestDirectory directory;
    LogFile file(directory.path() / "new/log/a.log");
    CHECK(write(file, "one\n") == 0);
    CHECK(write(file, "two\n") == 0);
    CHECK(read_file(directory.path() / "new/log/a.log") == "one\ntwo\n");
}

TEST_CASE("what is in the file stays") {
    const TestDirectory directory;
    write_file(directory.path() / "a.log", "old\n");
    LogFile file(directory.path() / "a.log");
    CHECK(write(file, "new\n") == 0);
    CHECK(read_file(directory.path() / "a.log") == "old\nnew\n");
}

TEST_CASE("rotation keeps the newest old files under rising numbers") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    for (int number = 0; number < 10; ++number) {
        CHECK(write(file, "line " + std::to_string(number) + "\n", {14, 3}) == 0);
    }
    CHECK(read_file(path) == "line 8\nline 9\n");
    CHECK(read_file(path.string() + ".1") == "line 6\nline 7\n");
    CHECK(read_file(path.string() + ".2") == "line 4\nline 5\n");
    CHECK(read_file(path.string() + ".3") == "line 2\nline 3\n");
    CHECK_FALSE(std::filesystem::exists(path.string() + ".4"));
    CHECK(file.rotation_error() == 0);
}

TEST_CASE("a line larger than max_size goes into a file of its own") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    CHECK(write(file, "first, too long\n", {5, 3}) == 0);
    CHECK(write(file, "second, too long\n", {5, 3}) == 0);
    CHECK(read_file(path) == "second, too long\n");
    CHECK(read_file(path.string() + ".1") == "first, too long\n");
    CHECK_FALSE(std::filesystem::exists(path.string() + ".2"));
}

TEST_CASE("room tells what goes in before the next rotation") {
    const TestDirectory directory;
    LogFile file(directory.path() / "a.log");
    CHECK(write(file, "12345\n", {10, 1}) == 0);
    REQUIRE(file.prepare({10, 1}, 4) == 0);
    CHECK(file.room() == 4);
    REQUIRE(file.prepare({10, 1}, 5) == 0);
    CHECK(file.room() == 10);
    REQUIRE(file.prepare({10, 1}, 50) == 0);
    CHECK(file.room() == 50);
}

TEST_CASE("keeping none starts the file anew") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    CHECK(write(file, "one\n", {4, 0}) == 0);
    CHECK(write(file, "two\n", {4, 0}) == 0);
    CHECK(read_file(path) == "two\n");
    CHECK_FALSE(std::filesystem::exists(path.string() + ".1"));
}

TEST_CASE("keeping fewer removes what is beyond") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    for (const char* line : {"1\n", "2\n", "3\n", "4\n", "5\n"}) {
        CHECK(write(file, line, {2, 10}) == 0);
    }
    CHECK(write(file, "6\n", {2, 2}) == 0);
    CHECK(read_file(path.string() + ".1") == "5\n");
    CHECK(read_file(path.string() + ".2") == "4\n");
    CHECK_FALSE(std::filesystem::exists(path.string() + ".3"));
    CHECK_FALSE(std::filesystem::exists(path.string() + ".4"));
}

TEST_CASE("an interrupted rotation's gap is filled and costs no file") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    write_file(path.string() + ".2", "older\n");
    write_file(path.string() + ".3", "oldest\n");
    write_file(path, "now\n");
    LogFile file(path);
    CHECK(write(file, "new\n", {4, 3}) == 0);
    CHECK(read_file(path) == "new\n");
    CHECK(read_file(path.string() + ".1") == "now\n");
    CHECK(read_file(path.string() + ".2") == "older\n");
    CHECK(read_file(path.string() + ".3") == "oldest\n");
}

TEST_CASE("where the rotation fails the file grows, and rotates once it can") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    const std::string obstacle = path.string() + ".1";
    std::filesystem::create_directories(obstacle + "/full");
    LogFile file(path);
    CHECK(write(file, "one\n", {4, 1}) == 0);
    CHECK(write(file, "two\n", {4, 1}) == 0);
    CHECK(file.rotation_error() != 0);
    CHECK(read_file(path) == "one\ntwo\n");
    std::filesystem::remove_all(obstacle);
    CHECK(write(file, "three\n", {4, 1}) == 0);
    CHECK(file.rotation_error() == 0);
    CHECK(read_file(obstacle) == "one\ntwo\n");
    CHECK(read_file(path) == "three\n");
}

TEST_CASE("a file that was moved away is not rotated under its old name") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    CHECK(write(file, "one\n", {4, 3}) == 0);
    std::filesystem::rename(path, directory.path() / "moved");
    write_file(path, "x\n");
    CHECK(write(file, "two\n", {4, 3}) == 0);
    CHECK(read_file(directory.path() / "moved") == "one\n");
    CHECK(read_file(path) == "x\ntwo\n");
    CHECK_FALSE(std::filesystem::exists(path.string() + ".1"));
}

TEST_CASE("close has the next line go where the name then leads") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    CHECK(write(file, "one\n") == 0);
    std::filesystem::rename(path, directory.path() / "moved");
    CHECK(write(file, "two\n") == 0);
    CHECK(read_file(directory.path() / "moved") == "one\ntwo\n");
    file.close();
    CHECK(write(file, "three\n") == 0);
    CHECK(read_file(path) == "three\n");
    CHECK(read_file(directory.path() / "moved") == "one\ntwo\n");
}

TEST_CASE("a deleted file, or directory, is made again at once") {
    const TestDirectory directory;
    const auto path = directory.path() / "log/a.log";
    LogFile file(path);
    CHECK(write(file, "one\n") == 0);
    std::filesystem::remove_all(directory.path() / "log");
    CHECK(write(file, "two\n") == 0);
    CHECK(read_file(path) == "two\n");
}

TEST_CASE("a file that somebody truncated is written from its end") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    CHECK(write(file, "one\n", {8, 3}) == 0);
    REQUIRE(::truncate(path.c_str(), 0) == 0);
    CHECK(write(file, "two\n", {8, 3}) == 0);
    CHECK(write(file, "3\n", {8, 3}) == 0);
    CHECK(read_file(path) == "two\n3\n");
}

TEST_CASE("what a death left unfinished is removed at the next opening") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    write_file(path, "whole\nunfini");
    LogFile file(path);
    CHECK(write(file, "next\n") == 0);
    CHECK(read_file(path) == "whole\nnext\n");

    write_file(directory.path() / "b.log", "unfini");
    LogFile other(directory.path() / "b.log");
    CHECK(write(other, "next\n") == 0);
    CHECK(read_file(directory.path() / "b.log") == "next\n");
}

// Lines that end at no page's end, so that whoever looks while they are written sees an unfinished one.
std::string batch_of_lines(int number) {
    constexpr std::size_t lines_a_batch = 660;
    constexpr std::size_t letters_a_line = 90;
    std::string batch;
    for (std::size_t line = 0; line < lines_a_batch; ++line) {
        batch += std::to_string(number) + ' ' + std::string(letters_a_line, 'x') + '\n';
    }
    return batch;
}

TEST_CASE("what another server is just writing is not taken for unfinished") {
    constexpr int batches = 300;
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    std::atomic<bool> done = false;
    std::atomic<int> failures = 0;
    std::thread writer([&] {
        LogFile file(path);
        for (int number = 0; number < batches; ++number) {
            failures += write(file, batch_of_lines(number)) == 0 ? 0 : 1;
        }
        done = true;
    });
    int failed_openings = 0;
    while (!done) {
        LogFile other(path);
        failed_openings += other.prepare(no_rotation, 0) == 0 ? 0 : 1;
    }
    writer.join();
    CHECK(failures == 0);
    CHECK(failed_openings == 0);
    std::string expected;
    for (int number = 0; number < batches; ++number) {
        expected += batch_of_lines(number);
    }
    const bool all_there = read_file(path) == expected;  // not printed: it is long
    CHECK(all_there);
}

TEST_CASE("what a write that failed has left is not cut off where somebody keeps the file's lock") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    write_file(path, "whole\nperhaps of one that lives");
    const process::UniqueFd keeper(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(::flock(keeper.get(), LOCK_EX) == 0);
    LogFile file(path);
    CHECK(write(file, "next\n") == 0);
    CHECK(read_file(path) == "whole\nperhaps of one that lives\nnext\n");
}

TEST_CASE("nothing is removed from a file that is no log of ours") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    const std::string foreign(300'000, 'x');
    write_file(path, foreign);
    LogFile file(path);
    CHECK(write(file, "next\n") == 0);
    CHECK(read_file(path) == foreign + "\nnext\n");
}

TEST_CASE("a write that fails half way leaves nothing and succeeds later") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    REQUIRE(write(file, "one\n") == 0);
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    test::limit_file_size(0, 10);
    const int error = write(file, "two, which is longer\n");
    const std::string left = read_file(path);
    test::lift_file_size_limit(0);
    std::signal(SIGXFSZ, previous);
    CHECK(error == EFBIG);
    CHECK(left == "one\n");
    CHECK(write(file, "two, which is longer\n") == 0);
    CHECK(read_file(path) == "one\ntwo, which is longer\n");
}

TEST_CASE("what is not a regular file is refused without waiting") {
    const TestDirectory directory;
    REQUIRE(::mkfifo((directory.path() / "fifo.log").c_str(), 0600) == 0);
    LogFile fifo(directory.path() / "fifo.log");
    CHECK(write(fifo, "x\n") == ENXIO);
    std::filesystem::create_directory(directory.path() / "dir.log");
    LogFile dir(directory.path() / "dir.log");
    CHECK(write(dir, "x\n") == EISDIR);
}

TEST_CASE("a disk that others have filled still takes some lines, and later ones whole or not at all") {
    if (::geteuid() != 0) {
        MESSAGE("not run: only root may mount the small file system that this test fills");
        return;
    }
    const TestDirectory directory;
    REQUIRE(::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=1m") == 0);
    {
        LogFile file(directory.path() / "a.log");
        const std::string line = std::string(999, 'x') + '\n';
        CHECK(write(file, line) == 0);
        std::ofstream(directory.path() / "ballast") << std::string(2'000'000, 'b');
        int written = 1;
        int error = 0;
        while ((error = write(file, line)) == 0) {
            ++written;
        }
        CHECK(error == ENOSPC);
        CHECK(written > 8);
        CHECK(std::filesystem::file_size(directory.path() / "a.log") ==
              static_cast<std::uintmax_t>(written) * 1'000);
        CHECK(write(file, "short\n") == 0);  // what is left is not given away
        std::filesystem::remove(directory.path() / "ballast");
        CHECK(write(file, line) == 0);
        CHECK(read_file(directory.path() / "a.log").ends_with("\nshort\n" + line));
    }
    CHECK(::umount2(directory.path().c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a file that was rotated keeps nothing reserved") {
    const TestDirectory directory;
    const auto path = directory.path() / "a.log";
    LogFile file(path);
    CHECK(write(file, "12345\n", {10, 1}) == 0);
    CHECK(write(file, "67890\n", {10, 1}) == 0);
    struct stat info {};
    REQUIRE(::stat((path.string() + ".1").c_str(), &info) == 0);
    CHECK(info.st_blocks * 512 <= 4096);
}

TEST_CASE("trying a file out makes it and its directory, and leaves what is in it alone") {
    const TestDirectory directory;
    LogFile file(directory.path() / "new/log/a.log");
    CHECK(file.try_out() == 0);
    CHECK(std::filesystem::exists(file.path()));
    write_file(file.path(), "whole\nnot yet wh");
    CHECK(file.try_out() == 0);
    CHECK(read_file(file.path()) == "whole\nnot yet wh");
    CHECK(write(file, "next\n") == 0);
    CHECK(read_file(file.path()) == "whole\nnext\n");
}

}  // namespace
}  // namespace mistamover::logging
