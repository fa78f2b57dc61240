// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_message.hpp"

#include <doctest/doctest.h>

namespace mistamover::logging {
namespace {

std::string message_of(const Record& record) {
    std::string message;
    append_record(message, record);
    return message;
}

TEST_CASE("what is encoded is decoded, any bytes included") {
    using namespace std::string_view_literals;
    std::string message;
    append_record(message, {"dtc_a", LogLevel::error, 1'700'000'000'123, "one\n\0\xFF"sv});
    append_record(message, {"", LogLevel::debug, -5, ""});
    append_record(message, {"arrmon_b", LogLevel::critical, 0, "three"});
    const Decoded decoded = decode_message(message);
    CHECK_FALSE(decoded.malformed);
    REQUIRE(decoded.records.size() == 3);
    CHECK(decoded.records[0].log_name == "dtc_a");
    CHECK(decoded.records[0].level == LogLevel::error);
    CHECK(decoded.records[0].time_ms == 1'700'000'000'123);
    CHECK(decoded.records[0].text == "one\n\0\xFF"sv);
    CHECK(decoded.records[1].log_name.empty());
    CHECK(decoded.records[1].time_ms == -5);
    CHECK(decoded.records[2].level == LogLevel::critical);
    CHECK(decoded.records[2].text == "three");
}

TEST_CASE("the size given in the header's example is right") {
    CHECK(message_of({"dtc_a", LogLevel::error, 0, "boom"}).size() == 24);
}

TEST_CASE("text beyond the limit is cut between characters and says so") {
    CHECK(decode_message(message_of({"a", LogLevel::info, 0, std::string(max_text, 'x')})).records[0].text ==
          std::string(max_text, 'x'));

    const std::string euro = "\xE2\x82\xAC";
    const std::string text = std::string(max_text - 2, 'x') + euro + "tail";
    const std::string message = message_of({"a", LogLevel::info, 0, text});
    CHECK(decode_message(message).records.at(0).text ==
          std::string(max_text - 2, 'x') + " [cut: 7 bytes more]");
    CHECK(message.size() <= 1 + record_size_limit("a", text));
}

TEST_CASE("bytes that are no UTF-8 are cut where they are too many") {
    const std::string text(max_text + 10, '\x80');
    const std::string message = message_of({"a", LogLevel::info, 0, text});
    CHECK(decode_message(message).records.at(0).text.ends_with(" [cut: 13 bytes more]"));
}

TEST_CASE("the size limit is never below the size") {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, max_text - 1, max_text, max_text + 1, 5 * max_text}) {
        const std::string text(size, 'x');
        const std::string name(300, 'n');
        CHECK(message_of({name, LogLevel::info, 0, text}).size() <= 1 + record_size_limit(name, text));
    }
}

TEST_CASE("a message cut off anywhere yields its whole records and is malformed") {
    std::string first;
    append_record(first, {"a", LogLevel::info, 1, "first"});
    std::string both = first;
    append_record(both, {"b", LogLevel::info, 2, "second"});
    for (std::size_t length = 0; length < both.size(); ++length) {
        CAPTURE(length);
        const Decoded decoded = decode_message(std::string_view(both).substr(0, length));
        CHECK(decoded.malformed == (length != first.size()));
        CHECK(decoded.records.size() == (length < first.size() ? 0 : 1));
    }
}

TEST_CASE("another version and an unknown level are malformed") {
    std::string message = message_of({"a", LogLevel::info, 1, "text"});
    message[0] = 2;
    CHECK(decode_message(message).malformed);
    message[0] = 1;
    CHECK_FALSE(decode_message(message).malformed);
    message[1] = 5;
    CHECK(decode_message(message).malformed);
    CHECK(decode_message(message).records.empty());
}

}  // namespace
}  // namespace mistamover::logging
