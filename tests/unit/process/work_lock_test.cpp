// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_lock.hpp"

#include <doctest/doctest.h>
#include <filesystem>

#include "scratch.hpp"

namespace mistamover::test {

using namespace process;
namespace fs = std::filesystem;

TEST_CASE("a work directory's lock lasts as long as its descriptor") {
    const Scratch scratch;
    const std::string directory = scratch.path().string();
    CHECK(work_lock_is_free(directory));
    UniqueFd lock = try_work_lock(directory);
    CHECK(lock.valid());
    CHECK_FALSE(work_lock_is_free(directory));
    CHECK_FALSE(try_work_lock(directory).valid());
    lock.reset();
    CHECK(work_lock_is_free(directory));
    lock = try_work_lock(directory);
    CHECK(lock.valid());
    CHECK_THROWS(try_work_lock((scratch / "missing").string()));
}

TEST_CASE("work in a directory is held back for all of one run_dir, whatever they call it, and no other is") {
    const Scratch scratch;
    fs::create_directories(scratch / "data");
    fs::create_directories(scratch / "other");
    fs::create_directory_symlink("data", scratch / "link");
    const std::string data = (scratch / "data").string();
    const std::string monitor = (scratch / "run" / "disk_space" / "8:1").string();
    const std::string process = (scratch / "run" / "work" / "p").string();
    fs::create_directories(scratch / "run");
    CHECK_FALSE(work_is_held_back(process, data));  // nobody has ever held anything
    WorkHold hold(monitor);
    CHECK_FALSE(work_is_held_back(process, data));
    REQUIRE(hold.take(data));
    CHECK(work_is_held_back(process, data));
    CHECK(work_is_held_back((scratch / "run" / "work" / "q").string(), (scratch / "link").string()));
    CHECK_FALSE(work_is_held_back(process, (scratch / "other").string()));
    WorkHold another(monitor);
    CHECK_FALSE(another.take((scratch / "link").string()));
    CHECK(another.take((scratch / "other").string()));
    fs::rename(data, scratch / "renamed");
    CHECK(work_is_held_back(process, (scratch / "renamed").string()));
    hold.release();
    CHECK_FALSE(work_is_held_back(process, (scratch / "renamed").string()));
    CHECK(work_is_held_back(process, (scratch / "other").string()));
    CHECK(another.take((scratch / "renamed").string()));
}

TEST_CASE("a hold goes with the one who has it, and where there is no directory, there is nothing to hold") {
    const Scratch scratch;
    const std::string work_dir = (scratch / "run" / "work" / "p").string();
    CHECK_THROWS(WorkHold(work_dir));  // there is no run_dir
    fs::create_directories(scratch / "run");
    {
        WorkHold hold(work_dir);
        CHECK(hold.take((scratch / "missing").string()));
        CHECK_FALSE(work_is_held_back(work_dir, (scratch / "missing").string()));
        REQUIRE(hold.take(scratch.path().string()));
        CHECK(work_is_held_back(work_dir, scratch.path().string()));
    }
    CHECK_FALSE(work_is_held_back(work_dir, scratch.path().string()));
    fs::remove(scratch / "run" / "holds");
    fs::create_symlink("holds", scratch / "run" / "holds");
    CHECK_THROWS(work_is_held_back(work_dir, scratch.path().string()));
}

}  // namespace mistamover::test
