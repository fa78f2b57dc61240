// SPDX-License-Identifier: BSD-3-Clause
#include <cstdint>
#include <doctest/doctest.h>
#include <fstream>
#include <set>
#include <string>

#include "faulty_site.hpp"
#include "servers/slow_proxy.hpp"
#include "sftp_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t shared_size = (300UL << 20U) + 12345;

/// A file so large that two connections may send it, with something in every 64 KiB.
void write_shared_file(const fs::path& path) {
    constexpr std::uintmax_t stretch = 64UL * 1024;
    std::ofstream file(path, std::ios::binary);
    for (std::uintmax_t offset = 0; offset < shared_size; offset += stretch) {
        file.seekp(static_cast<std::streamoff>(offset)) << "at " << offset;
    }
    file.close();
    fs::resize_file(path, shared_size);
}

/// Lines of an sshd's configuration: so many connections have SFTP at once, and `directory` / served has a
/// line for each that had.
std::string serving_at_once(unsigned most, const Scratch& directory) {
    const std::string path = directory.path().string();
    std::string script = "#!/bin/sh\n";
    for (unsigned number = 0; number < most; ++number) {
        const std::string lock = path + "/lock" + std::to_string(number);
        script += "exec 9>" + lock + "\nif flock -n 9; then echo >>" + path +
                  "/served; /usr/lib/openssh/sftp-server; exit; fi\n";
    }
    write_file(directory / "serve", script + "echo >>" + path + "/refused\nexit 1\n");
    fs::permissions(directory / "serve", fs::perms::owner_all);
    return "ForceCommand " + path + "/serve";
}

}  // namespace

TEST_SUITE_BEGIN("sftp_stream");

TEST_CASE("a large file goes by two connections, or by one where the server lets in no more, and is whole") {
    const Scratch directory;
    Site site;
    unsigned most = 2;
    SUBCASE("two") {}
    SUBCASE("one") {
        most = 1;
    }
    const Sshd sshd(serving_at_once(most, directory));
    add_sftp_stream(site, sshd, "parallel_transfers: 2");
    write_shared_file(site.source() / "f");
    const std::string content = read_file(site.source() / "f");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK((read_file(site.target() / "f") == content));
    CHECK(names_in(site.target()) == std::set<std::string>{"f"});
    CHECK(names_in(site.source()).empty());
    const std::string log = sftp_logs(site);
    CHECK_MESSAGE((log.find("a second connection has sent ") != std::string::npos) == (most == 2), log);
    CHECK_MESSAGE(
        (log.find("a second connection for one file has failed") != std::string::npos) == (most == 1), log);
    CHECK(fs::exists(directory / "refused") == (most == 1));
}

TEST_CASE("files of every name, links and trees arrive, and nothing is left behind") {
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "", "fsync: true");
    const std::set<std::string> names{"plain",       "with space",         " blanks ",
                                      "quote'\"",    "*?[glob]",           "-leading dash",
                                      "new\nline",   "\xff\xfe not UTF-8", std::string(255, 'n'),
                                      "back\\slash", "$(touch x)",         "~"};
    for (const std::string& name : names) {
        write_file(site.source() / name, "content of " + name);
    }
    fs::permissions(site.source() / "plain", fs::perms(0640));
    fs::last_write_time(site.source() / "plain", fs::file_time_type::clock::now() - std::chrono::hours(1000));
    const auto written = fs::last_write_time(site.source() / "plain");
    write_file(site.source() / "empty", "");
    write_file(site.source() / "large", megabytes(5));
    write_file(site.source() / "tree/a/b", "deep");
    fs::create_directories(site.source() / "tree/empty");
    fs::create_symlink("nowhere", site.source() / "tree/link");
    fs::create_symlink("nowhere", site.source() / "link");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    std::set<std::string> expected = names;
    expected.insert({"tree", "link", "empty", "large"});
    CHECK(names_in(site.target()) == expected);
    for (const std::string& name : names) {
        CHECK_MESSAGE(read_file(site.target() / name) == "content of " + name, name);
    }
    CHECK(fs::status(site.target() / "plain").permissions() == fs::perms(0640));
    const auto difference = written - fs::last_write_time(site.target() / "plain");
    CHECK(std::chrono::abs(difference) < std::chrono::seconds(1));
    CHECK(fs::is_empty(site.target() / "empty"));
    CHECK(read_file(site.target() / "large") == megabytes(5));
    CHECK(read_file(site.target() / "tree/a/b") == "deep");
    CHECK(fs::is_directory(site.target() / "tree/empty"));
    CHECK(fs::read_symlink(site.target() / "tree/link") == "nowhere");
    CHECK(fs::read_symlink(site.target() / "link") == "nowhere");
    CHECK(names_in(site.source()).empty());
}

TEST_CASE("a directory is sent as one zip file where that is asked for") {
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "directories: zip");
    write_file(site.source() / "d/a", "deep");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(names_in(site.target()) == std::set<std::string>{"d.zip"});
    CHECK(names_in(site.source()).empty());
}

TEST_CASE("a mirror sends what is new, deletes what has vanished, and sends nothing twice") {
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "transfer_mode: mirror");
    write_file(site.source() / "a", "a");
    write_file(site.source() / "d/e/f", "f");
    write_file(site.target() / "vanished/g", "g");
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == std::set<std::string>{"a", "d"});
    CHECK(read_file(site.target() / "d/e/f") == "f");
    CHECK(read_file(site.source() / "a") == "a");
    const auto sent = fs::last_write_time(site.target() / "a");
    write_file(site.source() / "b", "b");
    fs::remove_all(site.source() / "d");
    const ProgramResult again = site.one_off();
    CHECK_MESSAGE(again.exit_code == 0, again.output << sftp_logs(site));
    CHECK(names_in(site.target()) == std::set<std::string>{"a", "b"});
    CHECK(fs::last_write_time(site.target() / "a") == sent);
}

TEST_CASE("a link at the target leads nothing out of it") {
    Site site;
    const Sshd sshd;
    const Scratch elsewhere;
    write_file(elsewhere / "x", "old");
    fs::create_directories(site.target());
    SUBCASE("a directory that is moved") {
        add_sftp_stream(site, sshd, "retry_count: 0");
        fs::create_directory_symlink(elsewhere.path(), site.target() / "d");
        write_file(site.source() / "d/x", "new");
    }
    SUBCASE("a mirror that deletes nothing") {
        add_sftp_stream(site, sshd, "retry_count: 0, transfer_mode: mirror, mirror_delete: false");
        fs::create_directory_symlink(elsewhere.path(), site.target() / "d");
        write_file(site.source() / "d/x", "new");
    }
    SUBCASE("a file that is written in place") {
        add_sftp_stream(site, sshd, "retry_count: 0, publish: direct");
        fs::create_symlink(elsewhere / "x", site.target() / "x");
        write_file(site.source() / "x", "new");
    }
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 1, result.output << sftp_logs(site));
    CHECK_MESSAGE(site.log("dtc_p").find("(exists") != std::string::npos, sftp_logs(site));
    CHECK(read_file(elsewhere / "x") == "old");
    CHECK(names_in(elsewhere.path()) == std::set<std::string>{"x"});
    CHECK(names_in(site.target()).size() == 1);
    // It is kept, if in the quarantine.
    const auto kept = files_below(site.source());
    REQUIRE(kept);
    CHECK(kept->size() == 1);
}

TEST_CASE("a link at the target that has the name of a file gives way to the file") {
    Site site;
    const Sshd sshd;
    const Scratch elsewhere;
    write_file(elsewhere / "x", "old");
    add_sftp_stream(site, sshd);
    fs::create_symlink(elsewhere / "x", site.target() / "x");
    write_file(site.source() / "x", "new");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK_FALSE(fs::is_symlink(site.target() / "x"));
    CHECK(read_file(site.target() / "x") == "new");
    CHECK(read_file(elsewhere / "x") == "old");
}

TEST_CASE("several sessions share the files, as many as are asked for") {
    Site site;
    const Sshd sshd;
    const SlowProxy proxy(sshd.port());
    add_sftp_stream(site, sshd, "parallel_transfers: 3", "", SlowProxy::address);
    for (int number = 0; number < 60; ++number) {
        write_file(site.source() / std::to_string(number), "x");
    }
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(names_in(site.target()).size() == 60);
    CHECK(proxy.connections() == 3);
}

TEST_CASE("a bandwidth limit holds for all sessions together") {
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd, "parallel_transfers: 3, bandwidth_limit: 1MB");
    for (const char* name : {"a", "b", "c"}) {
        write_file(site.source() / name, megabytes(1));
    }
    const auto begun = std::chrono::steady_clock::now();
    CHECK(site.one_off().exit_code == 0);
    CHECK(std::chrono::steady_clock::now() - begun > std::chrono::seconds{2});
}

TEST_CASE("a stop file at the target suspends the stream") {
    Site site;
    const Sshd sshd;
    add_sftp_stream(site, sshd);
    write_file(site.source() / "f", "x");
    write_file(site.target() / ".stop", "");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK_MESSAGE(result.output.find(".stop") != std::string::npos, result.output);
    CHECK(fs::exists(site.source() / "f"));
    fs::remove(site.target() / ".stop");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a target that takes no file is refused permission, and every file is kept") {
    Site site;
    const Sshd sshd("ForceCommand internal-sftp -P mkdir");
    add_sftp_stream(site, sshd, "retry_delay: 20ms");
    check_sftp_refused(site, "permission");
}

TEST_CASE("a server that cannot rename over a file needs publish: direct") {
    Site site;
    const Sshd sshd("ForceCommand internal-sftp -P posix-rename");
    add_sftp_stream(site, sshd);
    write_file(site.source() / "f", "x");
    const ProgramResult refused = site.one_off();
    CHECK(refused.exit_code == 1);
    CHECK_MESSAGE(sftp_logs(site).find("publish") != std::string::npos, sftp_logs(site));
    CHECK(names_in(site.target()).empty());
    add_sftp_stream(site, sshd, "publish: direct");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(read_file(site.target() / "f") == "x");
}

TEST_CASE("a server that sets neither modes nor times gets every file, and a warning says what they lack") {
    Site site;
    const Sshd sshd("ForceCommand internal-sftp -P setstat,fsetstat");
    add_sftp_stream(site, sshd, "retry_count: 0");
    write_file(site.source() / "f", "x");
    write_file(site.source() / "d/e", "deep");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(read_file(site.target() / "f") == "x");
    CHECK(read_file(site.target() / "d/e") == "deep");
    CHECK(names_in(site.source()).empty());
    CHECK(site.log("sftp_p").find("neither modes nor times") != std::string::npos);
}

TEST_CASE("a mirror to a server that sets no times sends nothing twice") {
    Site site;
    const Sshd sshd("ForceCommand internal-sftp -P setstat,fsetstat");
    add_sftp_stream(site, sshd, "transfer_mode: mirror");
    write_file(site.source() / "f", "x");
    fs::last_write_time(site.source() / "f", fs::file_time_type::clock::now() - std::chrono::hours(1000));
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == std::set<std::string>{"f"});
    const auto sent = fs::last_write_time(site.target() / "f");
    const ProgramResult again = site.one_off();
    CHECK_MESSAGE(again.exit_code == 0, again.output << sftp_logs(site));
    CHECK(fs::last_write_time(site.target() / "f") == sent);
    CHECK(names_in(site.target()) == std::set<std::string>{"f"});
}

TEST_CASE("a server that takes few connections gets everything by those") {
    Site site;
    const Sshd sshd("MaxStartups 1:100:1");
    add_sftp_stream(site, sshd, "parallel_transfers: 4, retry_delay: 20ms");
    for (int number = 0; number < 50; ++number) {
        write_file(site.source() / std::to_string(number), "x");
    }
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << sftp_logs(site));
    CHECK(names_in(site.target()).size() == 50);
}

TEST_CASE("a port that nobody listens on is waited for, and costs no file a try") {
    Site site;
    Sshd sshd;
    add_sftp_stream(site, sshd, "retry_count: 1, retry_delay: 50ms");
    sshd.kill();
    const Daemon daemon(site);
    write_file(site.source() / "f", "x");
    CHECK(eventually([&] { return site.log("dtc_p").find("(unreachable") != std::string::npos; }));
    CHECK(fs::exists(site.source() / "f"));
    sshd.start();
    CHECK(eventually([&] { return read_file(site.target() / "f") == "x"; }));
}

TEST_CASE("a connection that is cut in the middle is made again, and the file arrives whole") {
    Site site;
    Sshd sshd;
    add_sftp_stream(site, sshd, "retry_count: 1, retry_delay: 50ms, bandwidth_limit: 4MB");
    const std::string content = megabytes(20);
    write_file(site.source() / "f", content);
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return bytes_below(site.target()) > 1'000'000; }));
    sshd.kill();
    CHECK_FALSE(fs::exists(site.target() / "f"));
    CHECK(read_file(site.source() / "f") == content);
    sshd.start();
    CHECK(eventually([&] { return !fs::exists(site.source() / "f"); }));
    CHECK(read_file(site.target() / "f") == content);
    CHECK_MESSAGE(eventually([&] { return site.log("dtc_p").find("(connection_lost") != std::string::npos; }),
                  sftp_logs(site));
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
}

TEST_SUITE_END();

}  // namespace mistamover::test
