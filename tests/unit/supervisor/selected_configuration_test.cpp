// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/selected_configuration.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

using namespace supervisor;

namespace {

config::Configuration three_streams() {
    config::Configuration made;
    made.file = "/etc/mistamover.yaml";
    for (const char* name : {"a", "b", "c"}) {
        made.streams.emplace_back().name = name;
    }
    return made;
}

}  // namespace

TEST_CASE("without names all streams are there") {
    CHECK(selected(three_streams(), {}).streams.size() == 3);
}

TEST_CASE("the named streams alone are there") {
    const config::Configuration two = selected(three_streams(), {"c", "a"});
    REQUIRE(two.streams.size() == 2);
    CHECK(two.streams[0].name == "a");
    CHECK(two.streams[1].name == "c");
    CHECK(two.problems.empty());
}

TEST_CASE("a name that no stream has is a problem, but not a second one of a broken stream") {
    config::Configuration made = three_streams();
    made.problems.push_back({"/etc/broken.yaml", 1, 1, "broken", "wrong"});
    const config::Configuration none = selected(made, {"nosuch", "broken"});
    CHECK(none.streams.empty());
    REQUIRE(none.problems.size() == 2);
    CHECK(to_string(none.problems[1]) == "/etc/mistamover.yaml: there is no stream `nosuch`");
    CHECK(none.usable());
}

TEST_CASE("debug concerns the program and every stream") {
    const config::Configuration made = with_debug(three_streams());
    CHECK(made.global.at("logging").at("log_level") == std::vector<std::string>{"DEBUG"});
    CHECK(made.streams[2].settings.at("logging").at("log_level") == std::vector<std::string>{"DEBUG"});
}

}  // namespace mistamover::test
