// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/receiver_decision.hpp"

#include <doctest/doctest.h>

namespace mistamover::arrivals {

using namespace std::chrono_literals;

TEST_CASE("what lies there, for how long, and what the receiver does") {
    const Control control{"f", 17, "sum", ".f.r"};
    const DataSeen absent{};
    const DataSeen right{true, true, 17};
    const DataSeen small{true, true, 16};
    const DataSeen large{true, true, 18};
    const DataSeen link{true, false, 17};
    const auto decide = [&](const DataSeen& data, std::chrono::milliseconds quiet) {
        return decide_by_size(control, data, quiet, 30s);
    };
    for (const auto quiet : {0ms, 60'000ms}) {
        CHECK(decide(right, quiet).step == Step::compute);
        CHECK(decide(large, quiet).status == ReceiptStatus::bad_size);
        CHECK(decide(link, quiet).status == ReceiptStatus::io_error);
    }
    CHECK(decide(absent, 29'999ms).step == Step::wait);
    CHECK(decide(small, 29'999ms).step == Step::wait);
    CHECK(decide(absent, 30s).step == Step::answer);
    CHECK(decide(absent, 30s).status == ReceiptStatus::no_such_file);
    CHECK(decide(small, 30s).status == ReceiptStatus::bad_size);
}

TEST_CASE("the checksum decides, in lower case only") {
    const Control control{"f", 17, "ab", ".f.r"};
    CHECK(decide_by_checksum(control, "ab") == ReceiptStatus::success);
    CHECK(decide_by_checksum(control, "cd") == ReceiptStatus::bad_checksum);
    CHECK(decide_by_checksum(control, std::nullopt) == ReceiptStatus::io_error);
    CHECK(decide_by_checksum({"f", 17, "AB", ".f.r"}, "ab") == ReceiptStatus::bad_checksum);
}

}  // namespace mistamover::arrivals
