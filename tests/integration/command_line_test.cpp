// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <doctest/doctest.h>

#include "program.hpp"

namespace mistamover::test {
namespace {

std::string receives_in(const std::filesystem::path& incoming, const std::string& data_grace) {
    return "incoming: {require_arrival_monitor: true, directory: " + incoming.string() +
           ", data_grace: " + data_grace + "}";
}

// The control file of a file that holds "hello".
void announce(const std::filesystem::path& incoming, const std::string& name) {
    write_file(incoming / ('.' + name + ".stager-ctrl-bss"), "_start_stager_ctrl_data_\n" + name +
                                                                 "\n5\n5d41402abc4b2a76b9719d911017c592\n." +
                                                                 name + ".receipt\n_end_stager_ctrl_data_\n");
}

}  // namespace

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

TEST_CASE("config check names a file in config_dir that is no stream's by its name alone") {
    Site site;
    site.add_stream("p");
    const std::filesystem::path ignored = site.home() / "streams.d/q.yml";
    write_file(ignored, "outgoing: {plugin: local}\n");
    const ProgramResult result = run_program({"config", "check", site.config().string()});
    CHECK(result.exit_code == 0);
    CHECK_MESSAGE(result.output == ignored.string() +
                                       ": is ignored: a stream's file must be called *.yaml\n"
                                       "configuration is good: 1 streams\n",
                  result.output);
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

TEST_CASE("plugins alone lists them") {
    const ProgramResult bare = run_program({"plugins"});
    CHECK(bare.exit_code == 0);
    CHECK(bare.output == run_program({"plugins", "list"}).output);
    CHECK_MESSAGE(bare.output.starts_with("Name "), bare.output);
    CHECK(run_program({"plugins", "lists"}).exit_code == 2);
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

TEST_CASE("a log directory that cannot be used keeps it from starting, with exit code 3 and the reason") {
    Site site;
    site.add_stream("p");
    write_file(site.config(),
               "global: {top: " + site.home().string() + "}\nlogging: {base_log_dir: /dev/null/x}\n");
    write_file(site.source() / "f", "x");
    for (const char* how : {"--one-off", "--daemon"}) {
        const ProgramResult result = run_program({"run", how, site.config().string()});
        CHECK(result.exit_code == 3);
        CHECK_MESSAGE(result.output ==
                          "mistamover: logging.base_log_dir /dev/null/x cannot be used: "
                          "/dev/null/x/mistamover_ctl.log: Not a directory\n",
                      result.output);
    }
    CHECK(std::filesystem::exists(site.source() / "f"));
    CHECK_FALSE(std::filesystem::exists(site.home() / "run/mistamover.pid"));
}

TEST_CASE("one pass over a stream that receives and sends begins to send when all has arrived") {
    Site site;
    const std::filesystem::path incoming = site.home() / "incoming";
    site.add_stream_with("p", "plugin: local, target_dir: " + site.target().string(),
                         receives_in(incoming, "60s"));
    announce(incoming, "early");
    announce(incoming, "late");
    write_file(incoming / "early", "hello");
    RunningProgram program({"run", site.config().string()});
    REQUIRE(eventually([&] { return std::filesystem::exists(site.source() / "early"); }));
    CHECK_FALSE(eventually([&] { return std::filesystem::exists(site.target() / "early"); },
                           std::chrono::seconds{1}));
    write_file(incoming / "late", "hello");
    const ProgramResult result = program.wait();
    CHECK_MESSAGE(result.exit_code == 0, result.output);
    for (const char* name : {"early", "late"}) {
        CHECK(read_file(site.target() / name) == "hello");
    }
    CHECK_MESSAGE(result.output.find("p: 2 delivered") != std::string::npos, result.output);
}

TEST_CASE("what lies in the stream's directory is sent by one pass, even if nothing can arrive there") {
    Site site;
    const std::filesystem::path incoming = site.home() / "incoming";
    site.add_stream_with("p", "plugin: local, target_dir: " + site.target().string(),
                         receives_in(incoming, "1s"));
    write_file(incoming, "no directory");
    write_file(site.source() / "f", "x");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("p: left " + incoming.string()) != std::string::npos, result.output);
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("the summary has a line for a stream that only receives, too") {
    Site site;
    const std::filesystem::path incoming = site.home() / "incoming";
    site.add_stream("q");
    site.add_stream_with("p", "plugin: none", receives_in(incoming, "1s"));
    write_file(incoming / "f", "hello");
    announce(incoming, "f");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 0);
    CHECK(read_file(site.source() / "f") == "hello");
    CHECK_MESSAGE(result.output.find("p: 1 ") != std::string::npos, result.output);
    CHECK_MESSAGE(result.output.find("q: 0 ") != std::string::npos, result.output);
}

TEST_SUITE_END();

}  // namespace mistamover::test
