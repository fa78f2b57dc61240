// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/instance_lock.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <unistd.h>

#include "scratch.hpp"
#include "supervisor_test_support.hpp"

namespace mistamover::test {
namespace {

using supervisor::InstanceLock;

std::string refusal_of(const std::filesystem::path& run_dir) {
    try {
        const InstanceLock lock(run_dir);
        return "";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a run_dir is made where there is none, and has one controller at a time, which is named") {
    const Scratch scratch;
    const std::filesystem::path run_dir = scratch / "a/b";
    Child other(controller_of(run_dir, Announces::no));
    CHECK(InstanceLock::holder(run_dir) == other.pid());
    const std::string refusal = refusal_of(run_dir);
    CHECK_MESSAGE(refusal.find("already running with run_dir " + run_dir.string() + " (process " +
                               std::to_string(other.pid()) + ")") != std::string::npos,
                  refusal);
    other.kill();
    CHECK(InstanceLock::holder(run_dir) == 0);
    CHECK(refusal_of(run_dir).empty());
}

TEST_CASE("children do not inherit the lock") {
    const Scratch scratch;
    auto lock = std::make_optional<InstanceLock>(scratch.path());
    const Child child([] {});
    lock.reset();
    CHECK(InstanceLock::holder(scratch.path()) == 0);
}

TEST_CASE("only withdraw removes the pid file") {
    const Scratch scratch;
    Child other(controller_of(scratch.path(), Announces::yes));
    CHECK(InstanceLock::announced(scratch.path()) == other.pid());
    other.kill();
    CHECK(std::filesystem::exists(InstanceLock::pid_file(scratch.path())));
    {
        const InstanceLock lock(scratch.path());
        CHECK(lock.announce().empty());
        CHECK(InstanceLock::announced(scratch.path()) == ::getpid());
    }
    CHECK(std::filesystem::exists(InstanceLock::pid_file(scratch.path())));
    InstanceLock(scratch.path()).withdraw();
    CHECK(InstanceLock::announced(scratch.path()) == 0);
    CHECK_FALSE(std::filesystem::exists(InstanceLock::pid_file(scratch.path())));
}

TEST_CASE("a number in the pid file that is longer leaves nothing behind") {
    const Scratch scratch;
    const InstanceLock lock(scratch.path());
    write_file(InstanceLock::pid_file(scratch.path()), "12345678901234567890\n");
    CHECK(lock.announce().empty());
    CHECK(read_file(InstanceLock::pid_file(scratch.path())) == std::to_string(::getpid()) + '\n');
}

TEST_CASE("where the lock file was removed, the pid file of the next controller stays, and one's own goes") {
    const Scratch scratch;
    const InstanceLock lock(scratch.path());
    CHECK(lock.announce().empty());
    CHECK(lock.is_in_place());
    std::filesystem::remove(scratch / "mistamover.lock");
    CHECK_FALSE(lock.is_in_place());
    {
        const Child next(controller_of(scratch.path(), Announces::yes));
        lock.withdraw();
        CHECK(InstanceLock::announced(scratch.path()) == next.pid());
        CHECK_FALSE(lock.is_in_place());
    }
    CHECK(lock.announce().empty());
    lock.withdraw();
    CHECK_FALSE(std::filesystem::exists(InstanceLock::pid_file(scratch.path())));
}

TEST_CASE("a run_dir that cannot be used is named with the reason") {
    const Scratch scratch;
    write_file(scratch / "file", "");
    const std::string refusal = refusal_of(scratch.path() / "file" / "run");
    CHECK_MESSAGE(refusal.find("file/run cannot be used: Not a directory") != std::string::npos, refusal);
}

}  // namespace mistamover::test
