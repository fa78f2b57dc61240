// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_command.hpp"

#include <algorithm>
#include <array>
#include <doctest/doctest.h>

#include "rsync_fixture.hpp"

namespace mistamover::rsync {

using namespace std::string_literals;
namespace {

using test::Settings;

bool has(const Arguments& arguments, const std::string& wanted) {
    return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

bool follows(const Arguments& arguments, const std::string& first, const std::string& second) {
    const std::array wanted{first, second};
    return std::search(arguments.begin(), arguments.end(), wanted.begin(), wanted.end()) != arguments.end();
}

constexpr std::array<std::string_view, 2> two_names{"-a", "b/c"};
constexpr std::array<std::string_view, 2> top_names{"-a", "b"};

std::string shell_of(const Arguments& arguments) {
    const auto option = std::find(arguments.begin(), arguments.end(), "-e");
    return option == arguments.end() ? "" : *(option + 1);
}

}  // namespace

TEST_CASE("names go to rsync behind \"./\", each with a NUL at its end") {
    constexpr std::array<std::string_view, 3> names{"#a", "-b", "c\nd"};
    CHECK(name_list(names) == "./#a\0./-b\0./c\nd\0"s);
}

TEST_CASE("quotes are doubled inside quotes, as rsync reads them") {
    CHECK(quoted_for_rsh("a b") == "'a b'");
    CHECK(quoted_for_rsh("it's \"x\"") == "'it''s \"x\"'");
}

TEST_CASE("small files are fetched by names relative to a daemon's module, else to the target directory") {
    Settings settings;
    const RsyncOptions by_ssh(settings.get());
    CHECK(CommandBuilder(by_ssh, "", "", 60'000).fetch_name(".f") == ".f");
    settings.set("transport", "daemon");
    settings.values.target_dir = "data/in/deep";
    const RsyncOptions by_daemon(settings.get());
    const CommandBuilder commands(by_daemon, "", "", 60'000);
    CHECK(commands.fetch_name(".f") == "in/deep/.f");
    CHECK(has(commands.fetch(10, "/to"), "host::data/"));
}

TEST_CASE("a put sends everything, whatever is there, by way of the stream's temporary directory") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "/work/s", 60'000);
    const Arguments put = builder.put("/source", "", top_names, false).arguments;
    CHECK(has(put, "--ignore-times"));
    CHECK(has(put, "--temp-dir=.mistamover-0"));
    CHECK(has(put, "--timeout=60"));
    CHECK(has(put, "-s"));
    CHECK_FALSE(has(put, "-z"));
    CHECK(put[put.size() - 3] == "/source/./-a");
    CHECK(put[put.size() - 2] == "/source/./b");
    CHECK(put.back() == "host:/data/in/.");
    const Arguments inside = builder.put("/source", ".mistamover-0/tree", two_names, false).arguments;
    CHECK_FALSE(has(inside, "--temp-dir=.mistamover-0"));
    CHECK(inside.back() == "host:/data/in/.mistamover-0/tree/.");
}

TEST_CASE("what is put or mirrored into directories does not go by way of the temporary directory") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "", 60'000);
    const std::string temp_dir = "--temp-dir=.mistamover-0";
    CHECK_FALSE(has(builder.put("/source", "", two_names, false).arguments, temp_dir));
    CHECK_FALSE(has(builder.mirror("/source", 5), temp_dir));
    CHECK(has(builder.mirror("/source", 5), "--recursive"));
    const Arguments top = builder.mirror_top("/source");
    for (const std::string& wanted : {temp_dir, std::string("--dirs"), std::string("--exclude=/*/")}) {
        CHECK_MESSAGE(has(top, wanted), wanted);
    }
    CHECK_FALSE(has(top, "--recursive"));
    CHECK_FALSE(has(top, "--delete-delay"));
    CHECK(top.back() == "host:/data/in/.");
}

TEST_CASE("a paced put has the server alone told that sent files are to be removed") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "/work/s", 60'000);
    CHECK_FALSE(has(builder.put("/source", "", two_names, false).arguments, pacing_option));
    const Arguments put = builder.put("/source", "", two_names, true).arguments;
    CHECK(has(put, pacing_option));
    CHECK_FALSE(has(put, "--remove-source-files"));
}

TEST_CASE("names that do not fit on a command line are read by rsync from a list") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "", 60'000);
    const std::string name(255, 'n');
    const std::vector<std::string_view> names(200'000, name);
    const CommandWithInput put = builder.put("/source", "", names, false);
    CHECK(has(put.arguments, "--files-from=-"));
    CHECK(put.arguments[put.arguments.size() - 2] == "/source/");
    CHECK(put.input == name_list(names));
    CHECK(builder.put("/source", "", two_names, false).input.empty());
}

TEST_CASE("no timeout of rsync's own ends what compares contents") {
    for (const bool checksum : {false, true}) {
        CAPTURE(checksum);
        Settings settings;
        settings.set("checksum", checksum ? "true" : "false");
        const RsyncOptions options(settings.get());
        const CommandBuilder builder(options, "", "", 60'000);
        for (const Arguments& arguments :
             {builder.put("/source", "", two_names, false).arguments, builder.mirror("/source", 5),
              builder.mirror_top("/source"), builder.mirror_preview("/source")}) {
            CHECK(has(arguments, "--checksum") == checksum);
            CHECK(has(arguments, "--timeout=60") == !checksum);
        }
    }
}

TEST_CASE("checksum, compress and the bandwidth limit are passed on") {
    Settings settings;
    settings.set("checksum", "true");
    settings.set("compress", "true");
    settings.add("extra_args", {"-o"});
    settings.values.bandwidth_limit = 10'240;
    const RsyncOptions options(settings.get());
    const Arguments put =
        CommandBuilder(options, "", "", 60'000).put("/source", "", two_names, false).arguments;
    CHECK(has(put, "--checksum"));
    CHECK_FALSE(has(put, "--ignore-times"));
    CHECK(has(put, "-z"));
    CHECK(has(put, "-o"));
    CHECK(has(put, "--bwlimit=10"));
}

TEST_CASE("size_only makes every run of a mirror compare by size, unless checksum does by content; no put") {
    for (const bool checksum : {false, true}) {
        CAPTURE(checksum);
        Settings settings;
        settings.set("size_only", "true");
        settings.set("checksum", checksum ? "true" : "false");
        settings.values.mode = TransferMode::mirror;
        const RsyncOptions options(settings.get());
        const CommandBuilder builder(options, "", "", 60'000);
        for (const Arguments& arguments : {builder.mirror("/source", 5), builder.mirror_top("/source"),
                                           builder.mirror_preview("/source")}) {
            CHECK(has(arguments, "--size-only") != checksum);
        }
        CHECK_FALSE(has(builder.put("/source", "", two_names, false).arguments, "--size-only"));
    }
    Settings without;
    without.values.mode = TransferMode::mirror;
    const RsyncOptions options(without.get());
    CHECK_FALSE(has(CommandBuilder(options, "", "", 60'000).mirror("/source", 5), "--size-only"));
}

TEST_CASE("the comparing run sends nothing, compares contents, and is ended by no silence of either end") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const Arguments compare =
        CommandBuilder(options, "", "", 60'000).compare("/source", "", two_names).arguments;
    CHECK(has(compare, "--dry-run"));
    CHECK(has(compare, "--checksum"));
    CHECK(std::none_of(compare.begin(), compare.end(),
                       [](const std::string& argument) { return argument.starts_with("--timeout"); }));
}

TEST_CASE("whatever writes into the target directory is told not to make it") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "", 60'000);
    CHECK(builder.put("/s", "", two_names, false).arguments.back() == "host:/data/in/.");
    CHECK(builder.compare("/s", "", two_names).arguments.back() == "host:/data/in/.");
    CHECK(builder.remove("/empty").back() == "host:/data/in/.");
    const Arguments by_rules = builder.remove_by_rules("/parents", two_names).arguments;
    CHECK(by_rules.back() == "host:/data/in/.");
    CHECK(by_rules[by_rules.size() - 2] == "/parents/./");
    CHECK(has(by_rules, "--relative"));
    const Arguments mirror = builder.mirror("/s", 5);
    CHECK(mirror.back() == "host:/data/in/.");
    CHECK(mirror[mirror.size() - 2] == "/s/./");
    CHECK(has(mirror, "--relative"));
}

TEST_CASE("a remove by rules makes, sends and alters nothing, and follows no link") {
    Settings settings;
    settings.add("extra_args", {"-o", "--chmod=D700", "--rsync-path=/opt/rsync"});
    const RsyncOptions options(settings.get());
    const CommandWithInput remove =
        CommandBuilder(options, "", "", 60'000).remove_by_rules("/parents", two_names);
    for (const char* wanted :
         {"--existing", "--ignore-existing", "--no-inc-recursive", "--rsync-path=/opt/rsync"}) {
        CHECK_MESSAGE(has(remove.arguments, wanted), wanted);
    }
    CHECK_FALSE(has(remove.arguments, "-o"));
    CHECK_FALSE(has(remove.arguments, "--chmod=D700"));
    CHECK(remove.input == "R /-a\0R /b/c\0"s);
    CHECK(follows(remove.arguments, "--filter=merge -", "--filter=P *"));
}

TEST_CASE("ssh asks nothing, is strict about host keys, and shares the session's connection") {
    Settings settings;
    settings.set("port", "2222");
    settings.set("username", "mover");
    settings.set("ssh_key", "/k e%y");
    settings.set("known_hosts", "/k h");
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "/work/100%", 60'000);
    const Arguments command = builder.ssh({"true"});
    for (const char* wanted :
         {"-oBatchMode=yes", "-oLogLevel=INFO", "-oStrictHostKeyChecking=yes", "-oControlMaster=no",
          "/work/100%%", "2222", "mover", "/k e%%y", "-oIdentitiesOnly=yes", "-oUserKnownHostsFile=\"/k h\"",
          "-oServerAliveInterval=15"}) {
        CHECK_MESSAGE(has(command, wanted), wanted);
    }
    CHECK(command.back() == "true");
    CHECK(command[command.size() - 2] == "host");
    CHECK(has(builder.ssh_master(), "-oControlMaster=yes"));
    CHECK_FALSE(has(builder.ssh_master(), "-oControlMaster=no"));
    const std::string shell = shell_of(builder.list(true));
    CHECK(shell.starts_with("'ssh' "));
    CHECK(shell.find("'/k e%%y'") != std::string::npos);
}

TEST_CASE("a new host is accepted only where that was asked for") {
    Settings settings;
    settings.set("host_key", "accept-new");
    const RsyncOptions options(settings.get());
    CHECK(has(CommandBuilder(options, "", "", 1).ssh({}), "-oStrictHostKeyChecking=accept-new"));
}

TEST_CASE("a daemon is asked by module, without delay, with the password in a file") {
    Settings settings;
    settings.set("transport", "daemon");
    settings.set("username", "mover");
    settings.set("password", "secret");
    settings.set("port", "8730");
    settings.values.target_dir = "module/in";
    const RsyncOptions options(settings.get());
    const Arguments put =
        CommandBuilder(options, "/work/password", "", 60'000).put("/source", "", two_names, false).arguments;
    CHECK(put.back() == "mover@host::module/in/.");
    CHECK(has(put, "--password-file=/work/password"));
    CHECK(has(put, "--sockopts=TCP_NODELAY"));
    CHECK(has(put, "--port=8730"));
    CHECK(shell_of(put).empty());
    for (const std::string& argument : put) {
        CHECK(argument.find("secret") == std::string::npos);
    }
}

TEST_CASE("addresses of IPv6 are put in brackets, and a directory with a dash in front is no option") {
    Settings settings;
    settings.values.target_host = "::1";
    settings.values.target_dir = "-in";
    const RsyncOptions options(settings.get());
    CHECK(CommandBuilder(options, "", "", 1).put("/s", "", {}, false).arguments.back() == "[::1]:./-in/.");
}

TEST_CASE("rules that a mirror is not given to the end have it send and delete nothing") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "", 60'000);
    for (const Arguments& arguments :
         {builder.mirror("/s", 5), builder.mirror_top("/s"), builder.mirror_preview("/s")}) {
        CHECK(follows(arguments, "--exclude-from=-", "--exclude=*"));
    }
}

TEST_CASE("a mirror deletes what vanished, up to its limit, or nothing") {
    Settings settings;
    const RsyncOptions options(settings.get());
    const CommandBuilder builder(options, "", "", 60'000);
    CHECK(has(builder.mirror("/s", 5), "--max-delete=5"));
    CHECK(has(builder.mirror("/s", 0), "--max-delete=0"));
    CHECK(has(builder.mirror("/s", UINT64_MAX), "--delete-delay"));
    CHECK(has(builder.mirror_preview("/s"), "--dry-run"));
    const Arguments keeping = builder.mirror("/s", std::nullopt);
    CHECK_FALSE(has(keeping, "--dry-run"));
    CHECK(std::none_of(keeping.begin(), keeping.end(), [](const std::string& argument) {
        return argument.find("delete") != std::string::npos;
    }));
}

}  // namespace mistamover::rsync
