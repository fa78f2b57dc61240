// SPDX-License-Identifier: BSD-3-Clause
#include "stream/batch_size.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {

TEST_CASE("what is due is shared among the sessions, in batches that are not too large") {
    BatchSize size({}, false);
    CHECK(size.units(4, 4, true) == 1);
    CHECK(size.units(10, 4, true) == 3);
    CHECK(size.units(1000, 4, true) == 250);
    CHECK(size.units(1000, 1, true) == 1000);
    CHECK(size.units(1'000'000, 4, true) == BatchSize::most_units);
}

TEST_CASE("what is left when the first sessions have ended is not cut up ever more finely") {
    BatchSize size({}, false);
    REQUIRE(size.units(12'000, 4, true) == BatchSize::most_units);
    CHECK(size.units(2000, 4, false) == BatchSize::most_units / 3);
    CHECK(size.units(4, 4, true) == 1);
    CHECK(size.units(4, 4, false) == 1);
}

TEST_CASE("little is not shared where every put costs much") {
    BatchSize size({}, true);
    CHECK(size.units(4, 4, true) == BatchSize::worth_a_put);
    CHECK(size.units(1000, 4, true) == BatchSize::worth_a_put);
    CHECK(size.units(2400, 4, true) == 600);
    CHECK(size.units(1'000'000, 4, true) == BatchSize::most_units);
}

TEST_CASE("it takes all sessions to reach a bandwidth limit, whatever a put costs") {
    config::OutgoingSettings outgoing;
    outgoing.bandwidth_limit = ByteCount{1000};
    CHECK(BatchSize(outgoing, true).units(4, 4, true) == 1);
}

TEST_CASE("with the arrivals protocol each session fills no more than half of its share of the window") {
    config::OutgoingSettings outgoing;
    outgoing.target_uses_arrival_monitor = true;
    outgoing.parallel_transfers = 4;
    outgoing.handshake_window = 800;
    CHECK(BatchSize(outgoing, false).units(1000, 4, true) == 100);
    CHECK(BatchSize(outgoing, true).units(10, 4, true) == 100);
    outgoing.handshake_window = 1;
    CHECK(BatchSize(outgoing, true).units(10, 4, true) == 1);
}

}  // namespace mistamover::stream
