// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "config/load.hpp"
#include "configuration_files.hpp"

namespace mistamover::config {
namespace {

std::string problems_of_password(const std::string& carrier) {
    Files files;
    files.stream(std::string(good) + "carrier: " + carrier + '\n');
    return files.problems();
}

}  // namespace

TEST_CASE("a part of a password that stands there as a key is told by its place, and not quoted") {
    for (const std::string text :
         {"{speed: fast, password: ab,hunter}", "{speed: fast, password:hunter2}", "{password: ab,hunter:2}",
          "{password: ab,hunter,hunter}", "{password: ab,hunter: }"}) {
        const std::string problems = problems_of_password(text);
        CHECK_MESSAGE(problems.starts_with("p.yaml:2:"), problems);
        CHECK_MESSAGE(has(problems, "no key of this name in section `carrier`, and it has no value"),
                      problems);
        CHECK_MESSAGE(has(problems, "put that in quotes"), problems);
        CHECK_FALSE_MESSAGE(has(problems, "hunter"), problems);
    }
    CHECK(has(problems_of_password("{password: ab,hunter,hunter}"), ": a key is set twice"));
}

TEST_CASE("a name that is wrong and has no value is a problem where it stands") {
    Files files;
    files.stream("outgoing:\n  plugin: carrier\n  target_dir: /target\n  max_delte:\n");
    CHECK(has(files.problems(), "p.yaml:4:3: there is no key of this name in section `outgoing`"));
}

TEST_CASE("a tag, which YAML takes for no part of the value, is refused and not quoted") {
    for (const std::string value :
         {"!hunter2", "!hunter 2", "!!str hunter", "!hunter 'x'", "!hunter {a: b}"}) {
        const std::string problems = problems_of_password("{password: " + value + "}");
        CHECK_MESSAGE(problems.starts_with("p.yaml:2:"), problems);
        CHECK_MESSAGE(has(problems, "`carrier.password` has a value that begins with `!`"), problems);
        CHECK_FALSE_MESSAGE(has(problems, "hunter"), problems);
    }
    Files files;
    files.stream("outgoing: {plugin: carrier, target_dir: /t, exclude: [a, !b ]}\n");
    CHECK(has(files.problems(), "`outgoing.exclude` has a value that begins with `!`"));
    for (const std::string value : {"'!hunter2'", "\"!hunter2\"", "hunter!2", "''", "null", "[]"}) {
        CHECK_FALSE(has(problems_of_password("{password: " + value + "}"), "begins with `!`"));
    }
}

TEST_CASE("what is no YAML is not quoted") {
    CHECK(
        has(problems_of_password("{password: *hunter}"), "not YAML: the referenced anchor is not defined\n"));
    CHECK(has(problems_of_password("{password: \"ab\\hunter\"}"), "not YAML: unknown escape character\n"));
}

TEST_CASE("what looks like a reference in a secret is not quoted") {
    for (const std::string value : {"ab$(hunter:two)", "ab$(env:HUNTER_2)", "ab$(outgoing:exclude)hunter"}) {
        const std::string problems = problems_of_password("{password: '" + value + "'}");
        CHECK_MESSAGE(has(problems, "`carrier.password` has a `$(` that refers to "), problems);
        CHECK_FALSE_MESSAGE(has(problems, "hunter"), problems);
        CHECK_FALSE_MESSAGE(has(problems, "HUNTER"), problems);
    }
}

}  // namespace mistamover::config
