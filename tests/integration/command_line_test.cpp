// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "program.hpp"

namespace mistamover::test {

TEST_SUITE_BEGIN("command_line");

TEST_CASE("config check names every problem at once, with file, line and column") {
    Site site;
    site.add_stream("good");
    write_file(site.home() / "streams.d/bad.yaml",
               "data_stream:\n  prority: 5\noutgoing:\n  plugin: local\n  target_dir: /somewhere\n  publish: "
               "never\n");
    const ProgramResult result = run_program({"config", "check", site.config().string()});
    CHECK(result.exit_code == 2);
    const std::string file = (site.home() / "streams.d/bad.yaml").string();
    CHECK_MESSAGE(
        result.output.find(file + ":2:3: unknown key `data_stream.prority`; did you mean `priority`?") !=
            std::string::npos,
        result.output);
    CHECK(result.output.find(file + ":6:12: `outgoing.publish` must be one of rename direct, not `never`") !=
          std::string::npos);
    CHECK(result.output.find("2 problems") != std::string::npos);
}

TEST_CASE("one bad stream does not keep the others from running") {
    Site site;
    site.add_stream("p");
    write_file(site.home() / "streams.d/bad.yaml", "outgoing: {plugin: nosuch, target_dir: /x}\n");
    write_file(site.source() / "f", "x");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK(result.output.find("libmistamover-nosuch.so: there is no plugin of this name") !=
          std::string::npos);
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a broken global file keeps everything from running") {
    Site site;
    write_file(site.config(), "global: [\n");
    CHECK(site.one_off().exit_code == 2);
}

TEST_CASE("words that are not understood are refused with exit code 2") {
    CHECK(run_program({"frobnicate", "x", "y"}).exit_code == 2);
    CHECK(run_program({"run", "--nonsense"}).exit_code == 2);
    CHECK(run_program({"run", "--one-off", "--daemon"}).exit_code == 2);
    CHECK(run_program({"plugins", "info", "nosuch"}).exit_code == 2);
}

TEST_CASE("help and version") {
    CHECK(run_program({"--version"}).output.starts_with("mistamover "));
    for (const char* verb : {"run", "status"}) {
        const ProgramResult result = run_program({verb, "--help"});
        CHECK(result.exit_code == 0);
        CHECK(result.output.find("usage: mistamover") != std::string::npos);
    }
    for (const std::string verb : {"plugins", "config"}) {
        const ProgramResult result = run_program({verb, "--help"});
        CHECK(result.exit_code == 0);
        CHECK(result.output.find("mistamover " + verb + ' ') != std::string::npos);
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
