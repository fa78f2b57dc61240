// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/child.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/wait.h>

namespace mistamover::test {

TEST_CASE("how a process ended is told in words") {
    CHECK(supervisor::how_it_ended(W_EXITCODE(3, 0)) == "exit code 3");
    CHECK(supervisor::how_it_ended(W_EXITCODE(0, SIGKILL)) == "signal 9 (Killed)");
    CHECK(supervisor::how_it_ended(W_EXITCODE(0, 63)) == "signal 63 (unknown)");
}

}  // namespace mistamover::test
