// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>
#include <stdexcept>

#include <mistamover/options.hpp>

namespace mistamover {
namespace {

Options options_with(std::string_view name, std::vector<std::string_view> values) {
    const OptionValue value{name, values};
    return Options(std::span(&value, 1));
}

}  // namespace

TEST_CASE("options are read by type, and outlive what they were made from") {
    CHECK(options_with("a", {"text"}).text("a") == "text");
    CHECK(options_with("a", {"yes"}).flag("a"));
    CHECK_FALSE(options_with("a", {"off"}).flag("a"));
    CHECK(options_with("a", {"-12"}).optional_integer("a") == -12);
    CHECK(options_with("a", {"2min"}).duration("a") == std::chrono::minutes{2});
    CHECK(options_with("a", {"3k"}).size("a") == ByteCount{3000});
    CHECK(options_with("a", {"x", "", "y"}).list("a") == std::vector<std::string>{"x", "", "y"});
}

TEST_CASE("an absent option is absent") {
    const Options options = options_with("a", {});
    CHECK(options.has("a"));
    CHECK_FALSE(options.has("b"));
    CHECK_FALSE(options.optional_text("b").has_value());
    CHECK_FALSE(options.optional_text("a").has_value());
    CHECK_FALSE(options.optional_integer("b").has_value());
    CHECK(options.list("b").empty());
    CHECK_THROWS_AS((void)options.text("b"), std::out_of_range);
    CHECK_THROWS_AS((void)options.flag("b"), std::out_of_range);
}

TEST_CASE("a number with something behind it is no number") {
    CHECK_FALSE(options_with("a", {"12abc"}).optional_integer("a").has_value());
    CHECK_FALSE(options_with("a", {"99999999999999999999"}).optional_integer("a").has_value());
}

TEST_CASE("a word is true, false or neither") {
    CHECK(parse_boolean("true") == true);
    CHECK(parse_boolean("0") == false);
    CHECK_FALSE(parse_boolean("maybe").has_value());
}

}  // namespace mistamover
