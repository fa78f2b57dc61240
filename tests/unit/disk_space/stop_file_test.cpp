// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/stop_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t second = 1'700'000'000;

std::size_t entries_of(const fs::path& directory) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("the monitor's own file is made whole, known again and removed") {
    const Scratch scratch;
    const StopFileAt file(scratch / ".stop");
    CHECK(file.look() == StopSeen::absent);
    CHECK_FALSE(file.remove());
    CHECK(file.place("disk", second));
    CHECK(read_file(file.path()) == "disk_space_monitor disk 1700000000\n");
    CHECK(file.look() == StopSeen::own);
    CHECK_FALSE(file.place("disk", second + 1));
    CHECK(file.remove());
    CHECK(entries_of(scratch.path()) == 0);
    CHECK_FALSE(StopFileAt(scratch / "missing" / ".stop").place("disk", second));
    CHECK(StopFileAt(scratch / "missing" / ".stop").look() == StopSeen::absent);
}

TEST_CASE("the monitor knows its own file again on a disk that keeps even seconds only") {
    const Scratch scratch;
    const StopFileAt file(scratch / ".stop");
    REQUIRE(file.place("disk", second + 1));
    const timespec kept[2] = {{second, 0}, {second, 0}};
    REQUIRE(::utimensat(AT_FDCWD, file.path().c_str(), kept, 0) == 0);
    CHECK(file.look() == StopSeen::own);
    CHECK(file.remove());
}

TEST_CASE("whatever anybody else made or touched is his, and stays") {
    const Scratch scratch;
    const StopFileAt file(scratch / ".stop");
    const auto stays = [&] {
        const std::string content = read_file(file.path());
        CHECK(file.look() == StopSeen::foreign);
        CHECK_FALSE(file.remove());
        CHECK_FALSE(file.place("disk", second));
        CHECK(read_file(file.path()) == content);
        CHECK(entries_of(scratch.path()) == 1);
        fs::remove_all(file.path());
    };
    write_file(file.path(), "");
    stays();
    write_file(file.path(), "disk_space_monitor disk 1700000000\n");  // but of another time
    stays();
    REQUIRE(file.place("disk", second));
    fs::last_write_time(file.path(), fs::file_time_type::clock::now());  // touch .stop
    stays();
    REQUIRE(file.place("disk", second));
    write_file(file.path(), "mine\n");
    stays();
    REQUIRE(file.place("disk", second));
    {
        const timespec kept[2] = {{second, 0}, {second, 0}};
        write_file(file.path(), "disk_space_monitor disk 1700000000\nand I");
        ::utimensat(AT_FDCWD, file.path().c_str(), kept, 0);
    }
    stays();
    fs::create_directory(file.path());
    CHECK(file.look() == StopSeen::foreign);
    CHECK_FALSE(file.remove());
    fs::remove(file.path());
    fs::create_symlink("/nowhere", file.path());
    CHECK(file.look() == StopSeen::foreign);
    CHECK_FALSE(file.remove());
}

TEST_CASE("what has become an operator's while it is removed gets its name back") {
    const Scratch scratch;
    const StopFileAt file(scratch / ".stop");
    const fs::path aside = scratch / ".mistamover.stop-old";
    write_file(aside, "an operator's\n");
    CHECK_FALSE(file.remove_from_aside());
    CHECK(read_file(file.path()) == "an operator's\n");
    CHECK(entries_of(scratch.path()) == 1);
    fs::remove(file.path());
    REQUIRE(file.place("disk", second));
    fs::rename(file.path(), aside);
    CHECK(file.remove_from_aside());
    CHECK(entries_of(scratch.path()) == 0);
}

TEST_CASE("what a crash has left is put right: an operator's gets its name back") {
    const Scratch scratch;
    const StopFileAt file(scratch / ".stop");
    write_file(scratch / ".mistamover.stop-new", "half");
    write_file(scratch / ".mistamover.stop-old", "an operator's\n");
    file.recover();
    CHECK(read_file(file.path()) == "an operator's\n");
    CHECK(entries_of(scratch.path()) == 1);
    write_file(scratch / ".mistamover.stop-old", "an earlier one\n");
    file.recover();
    CHECK(read_file(file.path()) == "an operator's\n");
    CHECK(entries_of(scratch.path()) == 1);
}

}  // namespace mistamover::test
