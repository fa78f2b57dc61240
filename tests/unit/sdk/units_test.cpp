// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include <mistamover/units.hpp>

namespace mistamover {

using std::chrono::milliseconds;

TEST_CASE("durations are read in every unit, and bare numbers in the caller's") {
    CHECK(parse_duration("500ms") == milliseconds{500});
    CHECK(parse_duration("3s") == milliseconds{3000});
    CHECK(parse_duration(" 10 min ") == milliseconds{600'000});
    CHECK(parse_duration("2h") == milliseconds{7'200'000});
    CHECK(parse_duration("1.5d") == milliseconds{129'600'000});
    CHECK(parse_duration("7") == milliseconds{7000});
    CHECK(parse_duration("7", milliseconds{1}) == milliseconds{7});
    CHECK(parse_duration("0") == milliseconds{0});
}

TEST_CASE("sizes are read with decimal and binary prefixes") {
    CHECK(parse_size("50MB") == ByteCount{50'000'000});
    CHECK(parse_size("2GiB") == ByteCount{2'147'483'648});
    CHECK(parse_size("4k") == ByteCount{4000});
    CHECK(parse_size("10B") == ByteCount{10});
    CHECK(parse_size("10") == ByteCount{10});
    CHECK(parse_size("10", megabyte) == ByteCount{10'000'000});
    CHECK(parse_size("0.5KiB") == ByteCount{512});
}

TEST_CASE("what is no amount is refused") {
    for (const char* text : {"", " ", "-1s", "-0", "+1", "nan", "inf", "nans", "s", "1x", "1 2", "1e3",
                             "1e300s", "99999999999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
        CHECK_FALSE(parse_size(text).has_value());
    }
}

TEST_CASE("what is more than can be counted is refused") {
    CHECK(parse_duration("36500d") == std::chrono::hours{24 * 36500});
    CHECK_FALSE(parse_duration("36500.1d").has_value());
    CHECK_FALSE(parse_duration("876001", std::chrono::hours{1}).has_value());
    CHECK(parse_size("9000000TB") == ByteCount{9'000'000'000'000'000'000U});
    CHECK_FALSE(parse_size("9000001TB").has_value());
    CHECK_FALSE(parse_size("9000000000001", megabyte).has_value());
}

TEST_CASE("a formatted duration reads back to the same value") {
    for (const std::int64_t count :
         {0LL, 1LL, 999LL, 1000LL, 1500LL, 60'000LL, 90'000LL, 3'600'000LL, 86'400'001LL}) {
        CHECK(parse_duration(format_duration(milliseconds{count})) == milliseconds{count});
    }
    CHECK(format_duration(milliseconds{1500}) == "1500ms");
    CHECK(format_duration(milliseconds{600'000}) == "10min");
}

TEST_CASE("a formatted size has three significant digits") {
    CHECK(format_size(ByteCount{0}) == "0B");
    CHECK(format_size(ByteCount{999}) == "999B");
    CHECK(format_size(ByteCount{1000}) == "1.00kB");
    CHECK(format_size(ByteCount{1'500'000}) == "1.50MB");
    CHECK(format_size(ByteCount{99'960'000}) == "100MB");
    CHECK(format_size(ByteCount{999'600'000}) == "1.00GB");
}

}  // namespace mistamover
