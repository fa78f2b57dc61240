// SPDX-License-Identifier: BSD-3-Clause
#include <Poco/JSON/Parser.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <sys/stat.h>
#include <unistd.h>

#include "faulty_site.hpp"

namespace mistamover::test {
namespace {

std::string status_table(const Site& site) {
    return run_program({"status", site.config().string()}).output;
}

bool status_comes_to_say(const Site& site, const std::string& text) {
    return eventually([&] { return status_table(site).find(text) != std::string::npos; });
}

// What `status --json` tells of the only stream.
Poco::JSON::Object::Ptr stream_status(const Site& site) {
    const std::string answer = run_program({"status", "--json", site.config().string()}).output;
    return Poco::JSON::Parser()
        .parse(answer)
        .extract<Poco::JSON::Object::Ptr>()
        ->getArray("streams")
        ->getObject(0);
}

// What would clear the screen and then show a line of another stream.
const std::string forger = "ff\x1b[2J\nFAKE  local  idle";
const std::string forger_shown = "ff\\x1b[2J\\nFAKE  local  idle";

}  // namespace

TEST_SUITE_BEGIN("status");

TEST_CASE("status tells what holds a mirror that deletes nothing") {
    Site site;
    site.add_stream("p", "transfer_mode: mirror, max_delete: 1, retry_count: 1");
    for (const char* stray : {"a", "b", "c"}) {
        write_file(site.target() / stray, "x");
    }
    const Daemon daemon(site);
    CHECK_MESSAGE(status_comes_to_say(site,
                                      "waits for its next try: 3 entries at the target are no longer in the "
                                      "source, and max_delete is 1"),
                  status_table(site));
    CHECK(site.state_of("p") == "waiting");
}

TEST_CASE("status --watch shows what changes, until the daemon has gone") {
    Site site;
    site.add_stream("p");
    Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "idle"; }));
    RunningProgram watch({"status", "--watch", site.config().string()});
    REQUIRE(eventually([&] { return process_name(watch.pid()) == "mistamover"; }));
    const std::filesystem::path output = "/proc/" + std::to_string(watch.pid()) + "/fd/1";
    REQUIRE(eventually([&] { return read_file(output).find(" idle ") != std::string::npos; }));
    write_file(site.source() / ".stop", "");
    CHECK(eventually([&] { return read_file(output).find(" suspended ") != std::string::npos; }));
    CHECK(daemon.stop());
    const ProgramResult result = watch.wait();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.starts_with("\x1b[H\x1b[2JSTREAM "), result.output);
    CHECK(count_of("\x1b[H\x1b[2JSTREAM ", result.output) >= 2);
    CHECK_MESSAGE(result.output.find("\nmistamover: ") != std::string::npos, result.output);
}

TEST_CASE("status tells which unit waits for its next try, and why") {
    FaultySite site;
    site.add_faulty_stream("retry_count: 5, retry_delay: 1h");
    site.set_faults("put bad fail permission item\n");
    write_file(site.source() / "bad", "x");
    const Daemon daemon(site);
    CHECK_MESSAGE(status_comes_to_say(site, "bad waits for its next try: made to fail"), status_table(site));
    CHECK(site.state_of("p") == "waiting");
}

TEST_CASE("status tells which file is being written") {
    Site site;
    site.add_stream("p");
    const int fd = ::open((site.source() / "slow").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(fd >= 0);
    const Daemon daemon(site);
    CHECK_MESSAGE(status_comes_to_say(site, "slow: it is still being written"), status_table(site));
    ::close(fd);
}

TEST_CASE("a unit that a stop interrupts is left with that reason") {
    FaultySite site;
    site.add_faulty_stream();
    write_file(site.config(), "global: {top: " + site.home().string() + ", shutdown_grace: 6s}\n");
    site.set_faults("put f hang\n");
    write_file(site.source() / "f", "x");
    RunningProgram one_off({"run", site.config().string()});
    REQUIRE(eventually([&] { return site.uses() == 1; }));
    ::kill(one_off.pid(), SIGINT);
    const ProgramResult result = one_off.wait();
    CHECK(result.exit_code == 128 + SIGINT);
    CHECK_MESSAGE(result.output.find("p: left f: interrupted by the stop\n") != std::string::npos,
                  result.output);
    CHECK(read_file(site.source() / "f") == "x");
}

TEST_CASE("what was sent in vain is not counted as delivered") {
    FaultySite site;
    site.add_faulty_stream("retry_count: 2, retry_delay: 20ms");
    site.set_faults("put bad truncate\n");
    write_file(site.source() / "bad", std::string(1000, 'x'));
    write_file(site.source() / "good", std::string(100, 'x'));
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find("p: 1 delivered (100B), 0 left, 1 quarantined\n") != std::string::npos,
                  result.output);

    write_file(site.source() / "bad", std::string(1000, 'x'));
    write_file(site.source() / "good", std::string(100, 'x'));
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return stream_status(site)->getValue<int>("quarantined_units") == 1; }));
    REQUIRE(eventually([&] { return stream_status(site)->getValue<int>("delivered_units") == 1; }));
    CHECK(stream_status(site)->getValue<int>("delivered_bytes") == 100);
    CHECK(stream_status(site)->getValue<int>("sent_bytes") == 2100);
}

TEST_CASE("the progress of one-off tells the rate, and the time that what is left will take") {
    Site site("/dev/shm");
    site.add_stream("p", "bandwidth_limit: 1MB");
    write_file(site.source() / "f", megabytes(16));
    const std::string output = site.one_off().output;  // a line every ten seconds
    CHECK_MESSAGE(output.find("0 files, ") == 0, output);
    const std::string before_time = "B/s, 1 files left, about ";
    const std::size_t at = output.find(before_time);
    REQUIRE_MESSAGE(at != std::string::npos, output);
    CHECK_MESSAGE(std::stoi(output.substr(at + before_time.size())) < 10, output);
}

TEST_CASE("no file name reaches a terminal as it is") {
    Site site;
    site.add_stream("p");
    REQUIRE(::mkfifo((site.source() / forger).c_str(), 0600) == 0);
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.starts_with("p: left " + forger_shown + ": "), result.output);
    CHECK(result.output.find('\x1b') == std::string::npos);
    CHECK(count_of("\n", result.output) == 2);  // and the summary

    REQUIRE(::mkfifo((site.source() / forger).c_str(), 0600) == 0);
    const Daemon daemon(site);
    CHECK_MESSAGE(status_comes_to_say(site, forger_shown), status_table(site));
    CHECK(status_table(site).find('\x1b') == std::string::npos);
    CHECK(count_of("\n", status_table(site)) == 2);
    const std::string json = run_program({"status", "--json", site.config().string()}).output;
    CHECK(json.find('\x1b') == std::string::npos);
    CHECK(stream_status(site)->getValue<std::string>("last_error").find(forger) != std::string::npos);
}

TEST_SUITE_END();

}  // namespace mistamover::test
