// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_format.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <cstdlib>
#include <doctest/doctest.h>
#include <random>

namespace mistamover::logging {
namespace {

using namespace std::string_view_literals;

std::string escaped(std::string_view text) {
    std::string out;
    append_escaped_text(out, text);
    return out;
}

std::string line(bool json, const Record& record) {
    std::string out;
    LineFormatter(json).append_line(out, record);
    return out;
}

Poco::JSON::Object::Ptr parsed(const std::string& text) {
    return Poco::JSON::Parser().parse(text).extract<Poco::JSON::Object::Ptr>();
}

/// Runs with another time zone.
class TimeZone {
  public:
    explicit TimeZone(const char* zone) { set(zone); }
    ~TimeZone() { set(nullptr); }
    TimeZone(const TimeZone&) = delete;
    TimeZone& operator=(const TimeZone&) = delete;

  private:
    static void set(const char* zone) {
        zone == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", zone, 1);
        ::tzset();
    }
};

TEST_CASE("text is escaped so that it is one printable line") {
    CHECK(escaped("plain text, \"quoted\"") == "plain text, \"quoted\"");
    CHECK(escaped("a\nb\rc\td") == "a\\nb\\rc\\td");
    CHECK(escaped("\0\x1b[2J\x7f"sv) == "\\x00\\x1b[2J\\x7f");
    CHECK(escaped("C:\\new") == "C:\\\\new");
    CHECK(escaped("\\n") != escaped("\n"));
    CHECK(escaped("\\xff") != escaped("\xff"));
}

TEST_CASE("valid UTF-8 stays and everything else is escaped byte by byte") {
    for (const auto valid :
         {"\xC2\xA0"sv, "\xC3\xA9"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xE2\x82\xAC"sv, "\xED\x9F\xBF"sv,
          "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv}) {
        CHECK(escaped(valid) == valid);
    }
    CHECK(escaped("\xFFok") == "\\xffok");
    CHECK(escaped("\x80") == "\\x80");
    CHECK(escaped("\xC0\xAF") == "\\xc0\\xaf");                    // overlong
    CHECK(escaped("\xE0\x9F\xBF") == "\\xe0\\x9f\\xbf");           // overlong
    CHECK(escaped("\xF0\x8F\xBF\xBF") == "\\xf0\\x8f\\xbf\\xbf");  // overlong
    CHECK(escaped("\xED\xA0\x80") == "\\xed\\xa0\\x80");           // surrogate
    CHECK(escaped("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
    CHECK(escaped("\xE2\x82") == "\\xe2\\x82");                    // cut short
    CHECK(escaped("\xE2\x82z") == "\\xe2\\x82z");
    CHECK(escaped("\xF0\x9F\x98z") == "\\xf0\\x9f\\x98z");
    CHECK(escaped("\xC2\x9B"
                  "2J") == "\\xc2\\x9b2J");  // a terminal's control character
}

TEST_CASE("a text line has local time, level and text") {
    const TimeZone zone("XXX-2");
    CHECK(line(false, {"dtc_a", LogLevel::warning, 1'772'366'709'250, "text\n"}) ==
          "[2026-03-01 14:05:09] WARNING text\\n\n");
}

TEST_CASE("levels have their names") {
    CHECK(level_name(LogLevel::debug) == "DEBUG");
    CHECK(level_name(LogLevel::info) == "INFO");
    CHECK(level_name(LogLevel::warning) == "WARNING");
    CHECK(level_name(LogLevel::error) == "ERROR");
    CHECK(level_name(LogLevel::critical) == "CRITICAL");
}

TEST_CASE("one formatter follows the time of its records") {
    const TimeZone zone("UTC");
    LineFormatter formatter(false);
    std::string out;
    formatter.append_line(out, {"a", LogLevel::info, 59'999, "x"});
    formatter.append_line(out, {"a", LogLevel::info, 60'000, "y"});
    formatter.append_line(out, {"a", LogLevel::info, -1, "z"});
    CHECK(out ==
          "[1970-01-01 00:00:59] INFO x\n[1970-01-01 00:01:00] INFO y\n[1969-12-31 23:59:59] INFO z\n");
}

TEST_CASE("a JSON line has UTC time with milliseconds") {
    const TimeZone zone("XXX-2");
    CHECK(
        line(true, {"dtc_a", LogLevel::error, 1'772'366'709'007, "text"}) ==
        "{\"time\":\"2026-03-01T12:05:09.007Z\",\"level\":\"ERROR\",\"log\":\"dtc_a\",\"text\":\"text\"}\n");
}

TEST_CASE("JSON gives back every text that is valid UTF-8") {
    const std::string text = "say \"hi\"\\ \n\r\t\x01\x1f\x7f/ \xE2\x82\xAC \xF0\x9F\x98\x80";
    const auto object = parsed(line(true, {"a \"b\"", LogLevel::info, 0, text}));
    CHECK(object->getValue<std::string>("text") == text);
    CHECK(object->getValue<std::string>("log") == "a \"b\"");
    CHECK(object->getValue<std::string>("level") == "INFO");
}

TEST_CASE("bytes that JSON cannot hold are shown in it") {
    const auto object = parsed(line(true, {"a", LogLevel::info, 0, "x\xFFy\xED\xA0\x80"}));
    CHECK(object->getValue<std::string>("text") == "x\\xffy\\xed\\xa0\\x80");
}

TEST_CASE("random bytes make one line of text and one line of valid JSON") {
    std::mt19937 random(1);
    std::uniform_int_distribution<int> any_byte(1, 255);  // Poco's parser refuses \u0000
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (int i = 0; i < 40; ++i) {
            text.push_back(static_cast<char>(any_byte(random)));
        }
        const std::string json = line(true, {"a", LogLevel::info, 0, text});
        CHECK(json.find('\n') == json.size() - 1);
        CHECK(parsed(json)->has("text"));
        const std::string plain = line(false, {"a", LogLevel::info, 0, text});
        CHECK(plain.find('\n') == plain.size() - 1);
    }
}

}  // namespace
}  // namespace mistamover::logging
