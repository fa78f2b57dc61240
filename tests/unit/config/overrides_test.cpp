// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "config/load.hpp"
#include "configuration_files.hpp"

namespace mistamover::config {

TEST_CASE("the environment overrides a key") {
    Files files;
    files.stream(good);
    const Configuration configuration = files.load({"MISTAMOVER__outgoing__retry_count=9"});
    REQUIRE(configuration.streams.size() == 1);
    CHECK(stream_settings(configuration.streams.front().settings).outgoing.retry_count == 9);
    CHECK(configuration.streams.front().origins.at("outgoing").at("retry_count") ==
          "environment MISTAMOVER__outgoing__retry_count");
}

TEST_CASE("a variable in brackets that is no list is a problem of a list, and a value of anything else") {
    Files files;
    files.stream(good);
    CHECK(has(files.problems({"MISTAMOVER__outgoing__exclude=[*.a, b]"}),
              "`MISTAMOVER__outgoing__exclude` is in brackets, but no list"));
    CHECK(files.problems({"MISTAMOVER__outgoing__exclude=['*.a', b]"}).empty());
    const Configuration pattern = files.load({"MISTAMOVER__outgoing__exclude=[ab]*.txt"});
    REQUIRE(pattern.streams.size() == 1);
    CHECK(stream_settings(pattern.streams.front().settings).outgoing.exclude ==
          std::vector<std::string>{"[ab]*.txt"});
    CHECK(files.problems({"MISTAMOVER__carrier__password=[*]"}).empty());
}

TEST_CASE("a variable that holds a list is one to a key that is a list, and plain text to any other") {
    Files files;
    files.stream(good);
    const auto settings_with = [&](const std::string& variable) {
        const Configuration configuration = files.load({variable});
        return configuration.streams.size() == 1 ? configuration.streams.front().settings : SettingsMap();
    };
    using Values = std::vector<std::string>;
    for (const std::string text : {"[abc]", "['abc']", "[a, b]", "[]"}) {
        SettingsMap settings = settings_with("MISTAMOVER__carrier__password=" + text);
        CHECK(settings["carrier"]["password"] == Values{text});
    }
    CHECK(settings_with("MISTAMOVER__outgoing__exclude=['*.a', b]")["outgoing"]["exclude"] ==
          Values{"*.a", "b"});
    CHECK(settings_with("MISTAMOVER__outgoing__exclude=[]")["outgoing"]["exclude"].empty());
    CHECK(
        has(files.problems({"MISTAMOVER__outgoing__retry_count=[3]"}), "must be a whole number, not `[3]`"));
}

TEST_CASE("a variable that is empty is refused, whatever it overrides") {
    Files files;
    files.stream(good);
    for (const std::string name : {"outgoing__max_delete", "outgoing__exclude", "outgoing__target_host",
                                   "data_stream__directory", "carrier__password"}) {
        const std::string problems = files.problems({"MISTAMOVER__" + name + '='});
        CHECK_MESSAGE(problems.starts_with("mistamover.yaml:0:0: the environment variable `MISTAMOVER__" +
                                           name + "` is empty"),
                      problems);
        CHECK(problems.find('\n') + 1 == problems.size());
    }
}

}  // namespace mistamover::config
