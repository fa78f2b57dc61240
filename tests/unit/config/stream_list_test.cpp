// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "config/load.hpp"
#include "configuration_files.hpp"

namespace mistamover::config {
namespace {

struct ListedFiles : Files {
    ListedFiles() {
        for (const char* name : {"north", "south"}) {
            stream(good, name);
        }
    }
    void list(const std::string& names) { global_file("global:\n  data_stream_list:" + names + "\n"); }
};

}  // namespace

TEST_CASE("without a list of streams every file is one, with it those that it names") {
    ListedFiles files;
    CHECK(files.load().streams.size() == 2);
    files.list(" [south]");
    const Configuration configuration = files.load();
    CHECK(configuration.problems.empty());
    REQUIRE(configuration.streams.size() == 1);
    CHECK(configuration.streams.front().name == "south");
    files.stream("nonsense: {}\n", "north");
    CHECK(files.problems().empty());
    files.list("");
    CHECK(has(files.problems(), "north.yaml:1:1: unknown section"));
}

TEST_CASE("a stream in the list without a file is told where the list names it, and the others run") {
    ListedFiles files;
    files.list("\n    - south\n    - nort");
    const Configuration configuration = files.load();
    CHECK(files.problems() ==
          "mistamover.yaml:4:7: `global.data_stream_list` names `nort`, but there is no file " +
              files.file("nort").string() + "; did you mean `north`?\n");
    CHECK(configuration.usable());
    REQUIRE(configuration.streams.size() == 1);
    CHECK(configuration.streams.front().name == "south");
}

TEST_CASE("a list that names a stream twice, none, or what is no name is a problem where it stands") {
    ListedFiles files;
    files.list("\n    - south\n    - north\n    - south");
    CHECK(files.problems() == "mistamover.yaml:5:7: `global.data_stream_list` names `south` twice\n");
    files.list("\n    - south\n    - ../streams.d/north");
    CHECK(files.problems() ==
          "mistamover.yaml:4:7: `global.data_stream_list`: `../streams.d/north` cannot be a stream's name\n");
    files.list("\n    - .south");
    CHECK(files.problems() ==
          "mistamover.yaml:3:7: `global.data_stream_list`: `.south` cannot be a stream's name\n");
    files.list(" []");
    CHECK(has(files.problems(), "mistamover.yaml:2:21: `global.data_stream_list` names no stream"));
    CHECK_FALSE(files.load().usable());
}

}  // namespace mistamover::config
