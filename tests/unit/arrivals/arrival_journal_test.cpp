// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrival_journal.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <stdexcept>

#include "scratch.hpp"

namespace mistamover::arrivals {

TEST_CASE("two journals of one incoming directory would take each other's files: the second is refused") {
    const test::Scratch scratch;
    const Directory incoming(scratch.path());
    logging::LogSocket socket{-1, logging::LogSocket::WhenFull::wait};
    const logging::Logger log{socket, "arrmon_p", LogLevel::debug};
    std::optional<ArrivalJournal> first(std::in_place, incoming, log);
    CHECK_THROWS_AS(ArrivalJournal(incoming, log), std::runtime_error);
    first.reset();
    CHECK_NOTHROW(ArrivalJournal(incoming, log));
}

}  // namespace mistamover::arrivals
