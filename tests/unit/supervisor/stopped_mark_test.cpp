// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/stopped_mark.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::test {

using supervisor::StoppedMark;

TEST_CASE("a stream is marked as stopped until that is forgotten, alone or with all others") {
    const Scratch run_dir;
    std::filesystem::create_directories(run_dir / "p");
    std::filesystem::create_directories(run_dir / "q");
    const StoppedMark p(run_dir / "p");
    const StoppedMark q(run_dir / "q");
    CHECK_FALSE(p.is_set());
    p.set();
    q.set();
    CHECK(StoppedMark(run_dir / "p").is_set());
    p.remove();
    CHECK_FALSE(p.is_set());
    CHECK(q.is_set());
    p.set();
    StoppedMark::remove_all(run_dir.path());
    CHECK_FALSE(p.is_set());
    CHECK_FALSE(q.is_set());
    CHECK(std::filesystem::exists(run_dir / "q"));
}

TEST_CASE("what cannot be marked is not, and there is nothing to forget") {
    const Scratch run_dir;
    const StoppedMark mark(run_dir / "none");
    mark.set();
    CHECK_FALSE(mark.is_set());
    mark.remove();
    StoppedMark::remove_all(run_dir / "none");
}

}  // namespace mistamover::test
