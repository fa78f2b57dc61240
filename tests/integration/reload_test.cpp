// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <doctest/doctest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <thread>

#include "faulty_site.hpp"
#include "program.hpp"

namespace mistamover::test {
namespace {

bool controller_logs(const Site& site, const std::string& text) {
    return eventually([&] { return site.log("mistamover_ctl").find(text) != std::string::npos; });
}

}  // namespace

TEST_SUITE_BEGIN("reload");

TEST_CASE("new, changed, broken and removed stream files are noticed") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));

    site.add_stream("q");
    CHECK(site.carries("g", "q"));

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
    CHECK(eventually([&] { return site.state_of("q") == "none"; }));
    CHECK(site.carries("last"));
}

TEST_CASE("a mistake in a stream's file that had another name before leaves the old settings in force") {
    Site site;
    site.add_stream("p");
    const std::filesystem::path before = site.home() / "streams.d/p.yaml";
    const std::filesystem::path after = site.home() / "streams.d/q.yaml";
    const std::string good = "data_stream: {name: p, directory: " + site.source().string() +
                             "}\noutgoing: {plugin: local, target_dir: " + site.target().string() + "}\n";
    write_file(before, good);
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    std::filesystem::rename(before, after);
    site.add_stream("new");  // which tells that the configuration was read
    REQUIRE(site.carries("g", "new"));
    write_file(after, good + "nonsense: {}\n");
    REQUIRE(controller_logs(site, "q.yaml"));
    CHECK(site.carries("h"));
    CHECK(site.log("mistamover_ctl").find("stream p was removed") == std::string::npos);
}

TEST_CASE("a mirror's file that is empty while it is being written makes no move of it") {
    const Site site;
    const std::filesystem::path file = site.home() / "streams.d/p.yaml";
    const std::filesystem::path source = site.home() / "data/p";
    std::filesystem::create_directories(source);
    std::filesystem::create_directories(site.target());
    write_file(site.config(), read_file(site.config()) +
                                  "outgoing: {plugin: local, target_dir: " + site.target().string() + "}\n");
    write_file(file, "outgoing: {transfer_mode: mirror}\n");
    write_file(source / "f", "f");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return read_file(site.target() / "f") == "f"; }));
    write_file(file, "");
    REQUIRE(controller_logs(site, "the file is empty"));
    write_file(source / "g", "g");
    CHECK(eventually([&] { return read_file(site.target() / "g") == "g"; }));
    write_file(file, "outgoing: {transfer_mode: mirror, retry_count: 1}\n");
    REQUIRE(controller_logs(site, "stream p starts again"));
    write_file(source / "h", "h");
    CHECK(eventually([&] { return read_file(site.target() / "h") == "h"; }));
    for (const std::string name : {"f", "g", "h"}) {
        CHECK(read_file(source / name) == name);
        CHECK(read_file(site.target() / name) == name);
    }
}

TEST_CASE("a file that is no stream's by its name alone is mentioned when it comes, and once") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    write_file(site.home() / "streams.d/q.yml", "outgoing: {plugin: local}\n");
    const std::string warning = "q.yml: is ignored: a stream's file must be called *.yaml";
    CHECK(controller_logs(site, warning));
    site.add_stream("new");  // so that the configuration is read once more
    CHECK(site.carries("g", "new"));
    CHECK(count_of(warning, site.log("mistamover_ctl")) == 1);
}

TEST_CASE("what a problem's message says to do mends it while the daemon runs") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    const std::filesystem::path file = site.home() / "streams.d/q.yaml";
    std::filesystem::create_directories(site.source("q"));
    write_file(file,
               "outgoing: {plugin: sftp, target_host: 127.0.0.1, target_dir: /nowhere}\n"
               "data_stream: {directory: " +
                   site.source("q").string() + "}\nsftp: {password: x, port: 1}\n");
    std::filesystem::permissions(file, std::filesystem::perms{0644});
    const auto status = [&] { return run_program({"status", "--json", site.config().string()}).output; };
    REQUIRE(eventually([&] { return status().find("chmod 600") != std::string::npos; }));
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    CHECK(eventually([&] { return site.state_of("q") != "none"; }));
}

TEST_CASE("a broken global file is reported, the old settings stay in force, and the mended one is taken") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    const std::string good = read_file(site.config());
    write_file(site.config(), "global: [\n");
    CHECK(controller_logs(site, "(the old settings stay in force)"));
    CHECK(site.carries("g"));
    CHECK(eventually([&] {
        return run_program({"status", "--json", site.config().string()}).exit_code ==
               2;  // whom it cannot find
    }));
    write_file(site.config(), good + "disk_space_monitor: {poll_interval: 7s}\n");
    CHECK(controller_logs(site, "stream p starts again"));
    CHECK(site.carries("h"));
}

TEST_CASE("the global file's own settings are taken while the daemon runs, but for run_dir, which is said") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    REQUIRE(site.carries("f"));
    const std::string before = read_file(site.config());
    const std::string home = site.home().string();
    write_file(site.config(), "global: {top: " + home + ", run_dir: " + home +
                                  "/other}\nlogging: {base_log_dir: " + home + "/log2, format: json}\n");
    CHECK(eventually(
        [&] { return read_file(site.home() / "log2/mistamover_ctl.log").find("{\"") != std::string::npos; }));
    CHECK(eventually([&] {
        return (site.log("mistamover_ctl") + read_file(site.home() / "log2/mistamover_ctl.log"))
                   .find("global.run_dir cannot change while the daemon runs") != std::string::npos;
    }));
    CHECK(site.carries("g"));
    // A controller that is brought back keeps the run_dir, too.
    Daemon::kill(daemon.controller());
    CHECK_MESSAGE(eventually([&] { return daemon.whole(); }), daemon.description());
    write_file(site.config(), before);
}

TEST_CASE("a config_dir that is moved away and replaced is noticed") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    const std::filesystem::path directory = site.home() / "streams.d";
    std::filesystem::copy(directory, site.home() / "new.d");
    site.add_stream("q");
    REQUIRE(site.carries("g", "q"));
    std::filesystem::rename(directory, site.home() / "old.d");
    std::filesystem::rename(site.home() / "new.d", directory);
    CHECK(controller_logs(site, "stream q was removed"));
    site.add_stream("r");
    CHECK(site.carries("h", "r"));
    CHECK(site.carries("i"));
}

TEST_CASE("the daemon answers while it waits for a plugin to tell its options") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    write_file(site.home() / "streams.d/q.yaml", "data_stream: {directory: " + site.source("q").string() +
                                                     "}\noutgoing: {plugin: " + TEST_PLUGIN_DIRECTORY +
                                                     "/libmistamover-hangs.so, target_dir: /nowhere}\n");
    const auto is_asked = [] {
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            if (read_file(entry.path() / "cmdline").find("libmistamover-hangs.so") != std::string::npos) {
                return true;
            }
        }
        return false;
    };
    REQUIRE(eventually(is_asked));
    CHECK(site.state_of("p") == "idle");
    CHECK(site.log("mistamover_ctl").find("did not finish loading") == std::string::npos);
    CHECK(controller_logs(site, "did not finish loading"));
    CHECK(site.state_of("p") == "idle");
}

TEST_CASE("a removed stream finishes the unit in hand, but a stop waits no longer than its grace") {
    Site site("/dev/shm");
    site.add_stream("p", "bandwidth_limit: 50KB");
    write_file(site.config(), "global: {top: " + site.home().string() + ", shutdown_grace: 12s}\n");
    Daemon daemon(site);
    write_file(site.source() / "f", std::string(8'000'000, 'x'));
    REQUIRE(eventually([&] { return site.state_of("p") == "transferring"; }));
    std::filesystem::remove(site.home() / "streams.d/p.yaml");
    site.add_stream("q");
    REQUIRE(site.carries("g", "q"));
    CHECK(site.state_of("p") == "transferring");
    CHECK(daemon.stop());
    CHECK(std::filesystem::exists(site.source() / "f"));
    CHECK_MESSAGE(site.log("mistamover_ctl").find("did not end in time") == std::string::npos,
                  site.log("mistamover_ctl"));
}

TEST_CASE("a stream waits for the end of a removed one in its directory, by whatever path that knew it") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    REQUIRE(eventually([&] { return daemon.whole(); }));
    const pid_t old_process = daemon.process("mm:p");
    ::kill(old_process, SIGSTOP);
    std::filesystem::remove(site.home() / "streams.d/p.yaml");
    std::filesystem::create_directory_symlink(site.source("p"), site.source("q"));
    site.add_stream("q");
    REQUIRE(controller_logs(site, "stream q is new"));
    CHECK_FALSE(eventually([&] { return daemon.process("mm:q") != 0; }, std::chrono::seconds{1}));
    ::kill(old_process, SIGKILL);
    CHECK(site.carries("g", "q"));
}

TEST_CASE("the old process of a changed stream is killed where it does not end within the grace") {
    Site site;
    site.add_stream("p");
    write_file(site.config(), "global: {top: " + site.home().string() + ", shutdown_grace: 1s}\n");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    REQUIRE(eventually([&] { return daemon.whole(); }));
    ::kill(daemon.process("mm:p"), SIGSTOP);
    site.add_stream("p", "retry_count: 7");
    CHECK(controller_logs(site, "the process of stream p did not end in time and is killed"));
    CHECK(site.carries("g"));
}

TEST_CASE("a stop takes no longer where a stream's directory goes meanwhile") {
    constexpr std::chrono::seconds grace{8};
    Site site;
    site.add_stream("p");
    write_file(site.config(), "global: {top: " + site.home().string() +
                                  ", shutdown_grace: " + std::to_string(grace.count()) + "s}\n");
    Daemon daemon(site);
    REQUIRE(site.carries("f"));
    REQUIRE(eventually([&] { return daemon.whole() && site.state_of("p") == "idle"; }));
    ::kill(daemon.process("mm:p"), SIGSTOP);
    ::kill(daemon.controller(), SIGTERM);
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(controller_logs(site, "stopping, because of signal 15"));
    std::this_thread::sleep_until(begin + grace * 3 / 4);  // of which a second grace would be told apart
    std::filesystem::rename(site.source(), site.home() / "moved away");
    CHECK(eventually([&] { return daemon.processes().empty(); }));
    CHECK(std::chrono::steady_clock::now() - begin < grace * 3 / 2);
}

TEST_CASE("SIGHUP reads the configuration and opens the log files again") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    REQUIRE(eventually([&] { return site.log("dtc_p").find("delivered f") != std::string::npos; }));
    const std::filesystem::path log = site.home() / "log/dtc_p.log";
    std::filesystem::rename(log, site.home() / "log/kept");
    write_file(site.home() / "streams.d/q.yaml", "nonsense: {}\n");
    REQUIRE(controller_logs(site, "q.yaml"));
    ::kill(daemon.controller(), SIGHUP);
    CHECK(site.carries("g"));
    CHECK(eventually([&] { return site.log("dtc_p").find("delivered g") != std::string::npos; }));
    CHECK(read_file(site.home() / "log/kept").find("delivered g") == std::string::npos);
    // Who asks is told again.
    CHECK(eventually([&] {
        const std::string text = site.log("mistamover_ctl");
        return text.find("q.yaml") != text.rfind("q.yaml");
    }));
}

TEST_CASE("a new log directory that cannot be used is reported, and the old settings stay in force") {
    Site site;
    site.add_stream("p");
    const Daemon daemon(site);
    REQUIRE(site.carries("f"));
    const std::string good = read_file(site.config());
    write_file(site.config(),
               "global: {top: " + site.home().string() + "}\nlogging: {base_log_dir: /dev/null/x}\n");
    const std::string problem =
        "logging.base_log_dir /dev/null/x cannot be used: "
        "/dev/null/x/mistamover_ctl.log: Not a directory";
    CHECK(controller_logs(site, problem + " (the old settings stay in force)"));
    const ProgramResult status = run_program({"status", site.config().string()});
    CHECK_MESSAGE(status.output.find(problem) != std::string::npos, status.output);
    CHECK(site.carries("g"));
    CHECK(eventually([&] { return site.log("dtc_p").find("delivered g ") != std::string::npos; }));
    write_file(site.config(), good);
    CHECK(eventually([&] {
        return run_program({"status", site.config().string()}).output.find("problem") == std::string::npos;
    }));
}

TEST_SUITE_END();

}  // namespace mistamover::test
