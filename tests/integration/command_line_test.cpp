// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace mistamover::test {
namespace {

std::string receives_in(const std::filesystem::path& incoming, const std::string& data_grace) {
    return "incoming: {require_arrival_monitor: true, directory: " + incoming.string() +
           ", data_grace: " + data_grace + "}";
}

/// The current directory, for as long as it lives; the programs that are started get it.
class CurrentDirectory {
  public:
    explicit CurrentDirectory(const std::filesystem::path& path) { std::filesystem::current_path(path); }
    ~CurrentDirectory() {
        std::error_code ignored;
        std::filesystem::current_path(before_, ignored);
    }
    CurrentDirectory(const CurrentDirectory&) = delete;
    CurrentDirectory& operator=(const CurrentDirectory&) = delete;

  private:
    std::filesystem::path before_ = std::filesystem::current_path();
};

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
                                       "the configuration is good; streams: 1\n",
                  result.output);
}

TEST_CASE("the global file is the argument, else $MISTAMOVER_CONFIG, else that of the current directory") {
    Site argued;
    Site of_variable;
    Site of_directory;
    const Scratch empty;
    argued.add_stream("argued");
    of_variable.add_stream("of-variable");
    of_directory.add_stream("of-directory");
    const auto shown = [](std::vector<std::string> more, const std::string& variable) {
        more.insert(more.begin(), {"config", "show"});
        return RunningProgram(more, {"MISTAMOVER_CONFIG=" + variable}).wait().output;
    };
    const auto is_of = [](const std::string& stream, const std::string& output) {
        return output.find("# stream " + stream + " (") != std::string::npos;
    };
    const std::string variable = of_variable.config().string();
    {
        const CurrentDirectory here(of_directory.home());
        const std::string by_argument = shown({"--config", argued.config().string()}, variable);
        CHECK_MESSAGE(is_of("argued", by_argument), by_argument);
        CHECK(by_argument.find("# stream of-") == std::string::npos);
        const std::string by_variable = shown({}, variable);
        CHECK_MESSAGE(is_of("of-variable", by_variable), by_variable);
        CHECK(by_variable.find("of-directory") == std::string::npos);
        const std::string by_directory = shown({}, "");
        CHECK_MESSAGE(is_of("of-directory", by_directory), by_directory);
        const ProgramResult checked =
            RunningProgram({"config", "check", argued.config().string()}, {"MISTAMOVER_CONFIG=" + variable})
                .wait();
        CHECK_MESSAGE(checked.output == "the configuration is good; streams: 1\n", checked.output);
    }
    if (!std::filesystem::exists("/etc/mistamover/mistamover.yaml")) {
        const CurrentDirectory here(empty.path());
        const std::string by_default = shown({}, "");
        CHECK_MESSAGE(by_default.starts_with("/etc/mistamover/mistamover.yaml: the file cannot be read"),
                      by_default);
    }
}

TEST_CASE("config show STREAM prints its settings with where each came from, and no secret") {
    Site site;
    site.add_stream("q");
    site.add_stream_with("p", "plugin: ftp, target_host: 127.0.0.1, target_dir: /x",
                         "ftp: {username: mover, password: hunter2}");
    const ProgramResult result = RunningProgram({"config", "show", "p", "--config", site.config().string()},
                                                {"MISTAMOVER__outgoing__retry_count=9"})
                                     .wait();
    CHECK(result.exit_code == 0);
    const std::string file = (site.home() / "streams.d/p.yaml").string();
    for (const std::string& line :
         {"  target_dir: /x  # " + file + ":2\n", "  username: mover  # " + file + ":3\n",
          "  password: ********  # " + file + ":3\n",
          "  general_poll_interval: 200ms  # " + site.config().string() + ":1\n",
          std::string("  retry_count: 9  # environment MISTAMOVER__outgoing__retry_count\n"),
          std::string("  stop_file: .stop  # default\n"), std::string("  tls: none  # plugin default\n")}) {
        CHECK_MESSAGE(result.output.find(line) != std::string::npos, line << "in\n" << result.output);
    }
    CHECK(result.output.find("hunter2") == std::string::npos);
    CHECK(result.output.find("q.in") == std::string::npos);
    const ProgramResult unknown =
        run_program({"config", "show", "nosuch", "--config", site.config().string()});
    CHECK(unknown.exit_code == 2);
    CHECK_MESSAGE(unknown.output == "mistamover: there is no stream `nosuch`\n", unknown.output);
}

TEST_CASE("a part of a password that stands there as a key is nowhere in what config check prints") {
    Site site;
    site.add_stream_with("p", "plugin: ftp, target_host: 127.0.0.1, target_dir: /x",
                         "ftp: {username: mover, password: ab,hunter2}");
    const ProgramResult result = run_program({"config", "check", site.config().string()});
    CHECK(result.exit_code == 2);
    CHECK_MESSAGE(result.output.find("p.yaml:3:") != std::string::npos, result.output);
    CHECK_MESSAGE(result.output.find("hunter2") == std::string::npos, result.output);
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
