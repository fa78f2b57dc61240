// SPDX-License-Identifier: BSD-3-Clause
#include <Poco/JSON/Parser.h>
#include <algorithm>
#include <doctest/doctest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill

#include "program.hpp"

namespace mistamover::test {
namespace {

bool arrives(const Site& site, const std::string& name, const std::string& stream = "p") {
    write_file(site.source(stream) / name, name);
    return eventually([&] { return read_file(site.target(stream) / name) == name; });
}

std::string state_of(const Site& site, const std::string& stream) {
    const ProgramResult result = run_program({"status", "--json", site.config().string()});
    if (result.exit_code != 0) {
        return "";
    }
    const auto json = Poco::JSON::Parser().parse(result.output).extract<Poco::JSON::Object::Ptr>();
    const auto streams = json->getArray("streams");
    for (unsigned i = 0; i < streams->size(); ++i) {
        if (streams->getObject(i)->getValue<std::string>("name") == stream) {
            return streams->getObject(i)->getValue<std::string>("state");
        }
    }
    return "none";
}

}  // namespace

TEST_SUITE_BEGIN("daemon");

TEST_CASE("after the SIGKILL of any one process the daemon is whole again, and no log record is lost") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    int number = 0;
    for (const char* victim : {"mm:p", "mm:log", "mm:ctl", "mm:log", "mm:ctl"}) {
        REQUIRE(eventually([&] { return daemon.whole(); }));
        REQUIRE(arrives(site, "before" + std::to_string(number)));
        const std::vector<pid_t> all = daemon.processes();
        const auto found =
            std::find_if(all.begin(), all.end(), [&](pid_t pid) { return process_name(pid) == victim; });
        REQUIRE(found != all.end());
        Daemon::kill(*found);
        CHECK_MESSAGE(arrives(site, "after" + std::to_string(number)), victim);
        CHECK_MESSAGE(eventually([&] { return daemon.whole(); }), daemon.description());
        ++number;
    }
    CHECK(daemon.stop());
    const std::string log = site.log("dtc_p");
    for (int i = 0; i < number; ++i) {
        CHECK(log.find("delivered before" + std::to_string(i) + ' ') != std::string::npos);
        CHECK(log.find("delivered after" + std::to_string(i) + ' ') != std::string::npos);
    }
}

TEST_CASE("a second instance is refused with exit code 3") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    const ProgramResult second = site.one_off();
    CHECK(second.exit_code == 3);
    CHECK_MESSAGE(second.output.find("already running") != std::string::npos, second.output);
}

TEST_CASE("a clean stop ends every process and removes what shows that it runs") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    REQUIRE(arrives(site, "f"));
    CHECK(daemon.stop());
    CHECK_FALSE(std::filesystem::exists(site.home() / "run/mistamover.pid"));
    const ProgramResult status = run_program({"status", site.config().string()});
    CHECK(status.exit_code == 1);
    CHECK(status.output.find("no mistamover daemon answers") != std::string::npos);
}

TEST_CASE("new, changed, broken and removed stream files are noticed") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(arrives(site, "f"));

    site.add_stream("q");
    CHECK(arrives(site, "g", "q"));

    const std::filesystem::path elsewhere = site.home() / "elsewhere";
    std::filesystem::create_directory(elsewhere);
    const std::filesystem::path file = site.home() / "streams.d/q.yaml";
    write_file(file, "data_stream: {directory: " + site.source("q").string() +
                         "}\noutgoing: {plugin: local, target_dir: " + elsewhere.string() + "}\n");
    REQUIRE(
        eventually([&] { return site.log("mistamover_ctl").find("q starts again") != std::string::npos; }));
    write_file(site.source("q") / "h", "h");
    CHECK(eventually([&] { return read_file(elsewhere / "h") == "h"; }));

    write_file(file, "data_stream: {directry: /nowhere}\n");
    REQUIRE(eventually(
        [&] { return site.log("mistamover_ctl").find("did you mean `directory`?") != std::string::npos; }));
    write_file(site.source("q") / "i", "i");
    CHECK(eventually([&] { return read_file(elsewhere / "i") == "i"; }));

    std::filesystem::remove(file);
    CHECK(eventually([&] { return state_of(site, "q") == "none"; }));
    CHECK(arrives(site, "last"));
}

TEST_CASE("status tells a suspended stream and why, and a stop file is noticed when it comes and goes") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return state_of(site, "p") == "idle"; }));
    write_file(site.source() / ".stop", "");
    write_file(site.source() / "f", "f");
    CHECK(eventually([&] { return state_of(site, "p") == "suspended"; }));
    CHECK(std::filesystem::exists(site.source() / "f"));
    const ProgramResult table = run_program({"status", site.config().string()});
    CHECK(table.output.find("a .stop file in the stream's directory") != std::string::npos);
    std::filesystem::remove(site.source() / ".stop");
    CHECK(eventually([&] { return read_file(site.target() / "f") == "f"; }));
}

TEST_SUITE_END();

}  // namespace mistamover::test
