// SPDX-License-Identifier: BSD-3-Clause
#include "process/messages.hpp"

#include <doctest/doctest.h>
#include <stdexcept>

namespace mistamover::test {

using namespace process;

namespace {

const std::string any_bytes("a\0b\n\xff", 5);

template <typename M>
M round_trip(const M& message) {
    return std::get<M>(decode(encode(message)));
}

StreamReport full_report() {
    StreamReport report;
    report.state = StreamState::backing_off;
    report.reason = any_bytes;
    report.backlog_units = 1;
    report.backlog_bytes = ~std::uint64_t{0};
    report.in_flight = 3;
    report.delivered_units = 4;
    report.delivered_bytes = 5;
    report.sent_bytes = 6;
    report.bytes_per_second = 7;
    report.quarantined_units = 8;
    report.last_error = "why";
    report.last_error_time = -9;
    return report;
}

}  // namespace

TEST_CASE("every message comes back as it went") {
    const auto configure = round_trip(Configure{any_bytes, true, "/work", {"u", any_bytes}});
    CHECK(configure.settings == any_bytes);
    CHECK(configure.one_off);
    CHECK(configure.work_dir == "/work");
    CHECK(configure.held == std::vector<std::string>{"u", any_bytes});
    CHECK(round_trip(Changed{{"", any_bytes, "x"}}).names == std::vector<std::string>{"", any_bytes, "x"});
    CHECK(round_trip(WatchFailed{"why"}).reason == "why");
    CHECK(round_trip(Stop{-1}).grace_ms == -1);
    const auto request = round_trip(WatchRequest{"/d", true, ".stop"});
    CHECK(request.path == "/d");
    CHECK(request.recursive);
    CHECK(request.dot_file == ".stop");
    const auto left = round_trip(UnitLeft{any_bytes, "why"});
    CHECK(left.name == any_bytes);
    CHECK(left.reason == "why");
    CHECK_FALSE(round_trip(Finished{false}).clean);
    CHECK(std::holds_alternative<Rescan>(decode(encode(Rescan{}))));
    CHECK(std::holds_alternative<StopStream>(decode(encode(StopStream{}))));
    CHECK(std::holds_alternative<Heartbeat>(decode(encode(Heartbeat{}))));
}

TEST_CASE("a report comes back with every field") {
    const StreamReport sent = full_report();
    const StreamReport got = round_trip(sent);
    CHECK(got.state == sent.state);
    CHECK(got.reason == sent.reason);
    CHECK(got.backlog_units == sent.backlog_units);
    CHECK(got.backlog_bytes == sent.backlog_bytes);
    CHECK(got.in_flight == sent.in_flight);
    CHECK(got.delivered_units == sent.delivered_units);
    CHECK(got.delivered_bytes == sent.delivered_bytes);
    CHECK(got.sent_bytes == sent.sent_bytes);
    CHECK(got.bytes_per_second == sent.bytes_per_second);
    CHECK(got.quarantined_units == sent.quarantined_units);
    CHECK(got.last_error == sent.last_error);
    CHECK(got.last_error_time == sent.last_error_time);
}

TEST_CASE("bytes that encode did not make are refused") {
    CHECK_THROWS_AS(decode(""), std::runtime_error);
    CHECK_THROWS_AS(decode("\x7f"), std::runtime_error);
    const std::string whole = encode(full_report());
    for (std::size_t length = 1; length < whole.size(); ++length) {
        CHECK_THROWS_AS(decode(std::string_view(whole).substr(0, length)), std::runtime_error);
    }
    CHECK_THROWS_AS(decode(whole + 'x'), std::runtime_error);
}

TEST_CASE("a length that lies costs no memory") {
    std::string names = encode(Changed{{"x"}});
    names[8] = '\x7f';  // the highest byte of the number of names
    CHECK_THROWS_AS(decode(names), std::runtime_error);
    std::string text = encode(WatchFailed{"x"});
    text[8] = '\x7f';
    CHECK_THROWS_AS(decode(text), std::runtime_error);
}

TEST_CASE("every state has a name of its own") {
    CHECK(to_string(StreamState::backing_off) == "backing-off");
    CHECK(to_string(StreamState::complete) == "complete");
    CHECK(to_string(static_cast<StreamState>(200)) == "unknown");
}

TEST_CASE("the messages of the disk space monitor come back as they went") {
    MonitorStream stream;
    stream.name = "p";
    stream.priority = -7;
    stream.deletion_enabled = stream.quarantine_here = true;
    stream.stop_files = {"/a/.stop", "/b/.stop"};
    stream.arrivals_dir = any_bytes;
    stream.data_dir = "/d";
    stream.exclude = {"*.tmp"};
    const auto got = round_trip(stream);
    CHECK(got.priority == -7);
    CHECK(got.quarantine_here);
    CHECK(encode(got) == encode(stream));
    DiskSpaceReport report;
    report.state = SpaceState::vlow;
    report.bytes_per_second = -5;
    report.stopped = 2;
    report.stopped_names = {"p", "q"};
    report.plan = {{"p", "/d/x", 17}, {"q", any_bytes, ~std::uint64_t{0}}};
    const auto told = round_trip(report);
    CHECK(told.state == SpaceState::vlow);
    CHECK(told.bytes_per_second == -5);
    CHECK(told.seconds_to_low == -1);
    REQUIRE(told.plan.size() == 2);
    CHECK(told.plan[1].path == any_bytes);
    CHECK(told.plan[1].bytes == ~std::uint64_t{0});
    CHECK(encode(told) == encode(report));
    const auto hold = round_trip(HoldUnits{3, "/d", {"u", any_bytes}});
    CHECK(hold.request == 3);
    CHECK(hold.directory == "/d");
    CHECK(hold.names.size() == 2);
    CHECK(round_trip(UnitsHeld{4, {"u"}}).request == 4);
    CHECK(round_trip(ReleaseUnits{"/d"}).directory == "/d");
    CHECK(std::holds_alternative<StreamsKnown>(decode(encode(StreamsKnown{}))));
    CHECK(to_string(SpaceState::good) == "GOOD");
    CHECK(to_string(SpaceState::vlow) == "VLOW");
}

}  // namespace mistamover::test
