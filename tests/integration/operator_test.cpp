// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "program.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

bool tells(const ProgramResult& result, const std::string& text) {
    return result.output.find(text) != std::string::npos;
}

// The stream p of the module local, with a file to send, and a library of somebody else's to be found.
class OperatorSite : public Site {
  public:
    OperatorSite() : before_(read_file(config())) {
        add_stream("p");
        write_file(source() / "f", "content");
    }

    /// Writes the global file, with more sections than it has.
    void configure(const std::string& sections) const { write_file(config(), before_ + sections); }
    /// The same, for streams of the library.
    void configure_module(const std::string& section) const {
        configure(std::string("plugins: {path: [") + TEST_PLUGIN_DIRECTORY + "]}\n" + section);
    }
    [[nodiscard]] fs::path stream_file(const std::string& name) const {
        return home() / "streams.d" / (name + ".yaml");
    }
    [[nodiscard]] ProgramResult run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "run");
        arguments.push_back(config().string());
        return run_program(arguments);
    }
    [[nodiscard]] bool has_sent() const { return read_file(target() / "f") == "content"; }

  private:
    std::string before_;
};

}  // namespace

TEST_SUITE_BEGIN("operator");

TEST_CASE("a stream of a third party's module that is broken, or was removed, keeps no other from running") {
    const OperatorSite site;
    site.configure_module("good: {colour: green}\n");
    write_file(site.stream_file("q"), "outgoing: {plugin: good\n");
    const ProgramResult misread = site.one_off();
    CHECK_MESSAGE(misread.exit_code == 1, misread.output);
    CHECK(tells(misread, "q.yaml:2:1: not YAML"));
    CHECK(site.has_sent());

    fs::remove(site.stream_file("q"));
    const ProgramResult removed = site.one_off();
    CHECK_MESSAGE(removed.exit_code == 0, removed.output);

    site.configure_module("good: {color: green}\n");
    CHECK(tells(site.one_off(), "unknown key `good.color`; did you mean `colour`?"));
}

TEST_CASE("a running daemon takes out a stream whose module has a section in the global file") {
    OperatorSite site;
    site.configure_module("good: {colour: green}\n");
    site.add_stream_with("q", "plugin: good, target_dir: /nowhere", "good: {password: secret}");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("q") == "idle"; }));
    fs::remove(site.stream_file("q"));
    CHECK(eventually([&] { return site.state_of("q") == "none"; }));
    CHECK(site.carries("g"));
}

TEST_CASE("status and plugins work whatever else is wrong with the global file") {
    const OperatorSite site;
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.has_sent(); }));
    const auto code_of = [&](std::vector<std::string> arguments) {
        arguments.push_back(site.config().string());
        return run_program(arguments).exit_code;
    };
    site.configure("email: {thresold: CRITICAL}\ndisk_space_monitor: {poll_interval: soon}\n");
    CHECK(code_of({"status", "--json"}) == 0);
    CHECK(code_of({"plugins", "list"}) == 0);
    CHECK(code_of({"plugins", "info", "local"}) == 0);
    CHECK(code_of({"config", "check"}) == 2);

    site.configure("plugins: {path: [$(env:MISTAMOVER_NO_SUCH_VARIABLE)]}\n");
    CHECK(code_of({"status", "--json"}) == 0);
    CHECK(tells(run_program({"plugins", "list", site.config().string()}), ": `plugins.path` $(env:"));
    CHECK(code_of({"plugins", "info", "local"}) == 2);

    write_file(site.config(), "nonsense: {}\nglobal: {run_dir: [/a, /b]}\n");
    CHECK(code_of({"plugins", "list"}) == 0);
    CHECK(code_of({"status"}) == 2);
    CHECK(tells(run_program({"status", site.config().string()}),
                site.config().string() + ":2:19: `global.run_dir` must be one value"));
    site.configure("");
}

TEST_CASE("a duration that no clock can count is refused before anything runs") {
    const OperatorSite site;
    site.configure("outgoing: {stop_file_poll_interval: 999999d}\n");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 2);
    CHECK_MESSAGE(tells(result, "`outgoing.stop_file_poll_interval` must be a duration of at most 100 years"),
                  result.output);
}

TEST_CASE("password_file works for a module that knows only password") {
    OperatorSite site;
    fs::remove(site.stream_file("p"));
    site.configure_module("");
    const fs::path file = site.home() / "password";
    site.add_stream_with("q", "plugin: good, target_dir: /nowhere",
                         "good: {password_file: " + file.string() + "}");
    write_file(site.source("q") / "f", "content");
    write_file(file, "\n");
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    const ProgramResult empty = site.one_off();
    CHECK(empty.exit_code == 1);
    CHECK_MESSAGE(tells(empty, "`good.password_file` names a file that has no password in its first line"),
                  empty.output);
    write_file(file, "secret\n");
    const ProgramResult read = site.one_off();
    CHECK_MESSAGE(tells(read, "cannot rename a file into place"), read.output);  // it can do nothing
    CHECK_FALSE_MESSAGE(tells(read, "password"), read.output);
}

TEST_CASE("a password is in no process's command line or environment, and no process leaves a core") {
    OperatorSite site;
    site.configure_module("");
    site.add_stream_with("q", "plugin: good, target_dir: /nowhere", "good: {password: never-to-be-seen}");
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
    const rlimit allowed{before.rlim_max, before.rlim_max};
    const rlim_t most = std::min<rlim_t>(1, before.rlim_max);  // with which the kernel makes none
    REQUIRE(::setrlimit(RLIMIT_CORE, &allowed) == 0);
    const Daemon daemon(site);
    REQUIRE(::setrlimit(RLIMIT_CORE, &before) == 0);
    REQUIRE(eventually([&] { return daemon.process("mm:q") != 0 && daemon.whole(2); }));
    for (const pid_t pid : daemon.processes()) {
        const fs::path process = "/proc/" + std::to_string(pid);
        INFO(process_name(pid));
        CHECK(read_file(process / "cmdline").find("never-to-be-seen") == std::string::npos);
        CHECK(read_file(process / "environ").find("never-to-be-seen") == std::string::npos);
        const std::string limits = read_file(process / "limits");
        const std::size_t core = limits.find("Max core file size");
        REQUIRE(core != std::string::npos);
        CHECK_MESSAGE(std::stoul(limits.substr(core + std::string("Max core file size").size())) == most,
                      limits);
    }
}

TEST_CASE("run --stream has nothing to do with what is wrong with other streams") {
    const OperatorSite site;
    SUBCASE("a key") {
        write_file(site.stream_file("q"), "nonsense: {}\n");
    }
    SUBCASE("the YAML") {
        write_file(site.stream_file("q"), "outgoing: [\n");
    }
    const ProgramResult alone = site.run({"--stream", "p"});
    CHECK_MESSAGE(alone.exit_code == 0, alone.output);
    CHECK_FALSE_MESSAGE(tells(alone, "q.yaml"), alone.output);
    CHECK(site.has_sent());
    const ProgramResult both = site.run({"--stream", "p", "--stream", "q"});
    CHECK(both.exit_code == 1);
    CHECK_MESSAGE(tells(both, "q.yaml"), both.output);
    CHECK_FALSE(tells(both, "there is no stream"));
}

TEST_CASE("run --stream knows a stream that has a problem by the name that its file gives it") {
    const OperatorSite site;
    write_file(site.stream_file("q"), "data_stream: {name: other}\nnonsense: {}\n");
    const ProgramResult both = site.run({"--stream", "p", "--stream", "other"});
    CHECK(both.exit_code == 1);
    CHECK_MESSAGE(tells(both, "unknown section `nonsense`"), both.output);
    CHECK_FALSE(tells(both, "there is no stream"));
    CHECK(site.has_sent());
}

TEST_CASE("run --stream with a name that no stream has is refused before anything runs") {
    const OperatorSite site;
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"--stream", "nope"}, {"--stream", "p", "--stream", "nope"}}) {
        const ProgramResult result = site.run(arguments);
        CHECK(result.exit_code == 2);
        CHECK_MESSAGE(tells(result, "there is no stream `nope`"), result.output);
    }
    CHECK(fs::exists(site.source() / "f"));
    CHECK_FALSE(fs::exists(site.target() / "f"));
}

TEST_CASE("run --debug logs everything, whatever log_level says") {
    const OperatorSite site;
    std::string quiet = read_file(site.config());
    const std::string configured = "log_level: DEBUG";
    REQUIRE(quiet.find(configured) != std::string::npos);
    quiet.replace(quiet.find(configured), configured.size(), "log_level: ERROR");
    write_file(site.config(), quiet);
    const ProgramResult as_configured = site.run({});
    CHECK_MESSAGE(as_configured.exit_code == 0, as_configured.output);
    CHECK(site.log("mistamover_ctl").find("started with 1 streams") == std::string::npos);
    const ProgramResult everything = site.run({"--debug"});
    CHECK_MESSAGE(everything.exit_code == 0, everything.output);
    CHECK(site.log("mistamover_ctl").find("started with 1 streams") != std::string::npos);
}

TEST_CASE("config prints the name of a file so that no terminal acts on it") {
    const OperatorSite site;
    write_file(site.stream_file("a\nb\x1b[31m"), "nonsense: {}\n");
    const std::string config = site.config().string();
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"config", "check", config}, {"config", "show", "--config", config}}) {
        const ProgramResult result = run_program(arguments);
        CHECK(result.exit_code == 2);
        CHECK_MESSAGE(tells(result, R"(a\nb\x1b[31m.yaml:1:1: unknown section)"), result.output);
        CHECK_FALSE(tells(result, "\x1b"));
    }
}

TEST_CASE("config check tells of a quarantine into which nothing can be renamed") {
    OperatorSite site;
    site.add_stream("p", "quarantine_dir: /proc/quarantine");
    const ProgramResult result = run_program({"config", "check", site.config().string()});
    CHECK(result.exit_code == 2);
    CHECK_MESSAGE(
        tells(result, "`outgoing.quarantine_dir` is on another file system than the stream's directory"),
        result.output);
}

TEST_SUITE_END();

}  // namespace mistamover::test
