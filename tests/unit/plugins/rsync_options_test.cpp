// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "rsync_fixture.hpp"

namespace mistamover::rsync {
namespace {

using test::Settings;

std::string refusal_of(Settings& settings) {
    try {
        const RsyncOptions options(settings.get());
        return "";
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::configuration);
        CHECK(error.status().scope() == StatusScope::stream);
        return error.what();
    }
}

bool refuses(Settings& settings, const std::string& with) {
    return refusal_of(settings).find(with) != std::string::npos;
}

}  // namespace

TEST_CASE("the defaults are ssh with strict host keys") {
    Settings settings;
    const RsyncOptions options(settings.get());
    CHECK(options.transport == Transport::ssh);
    CHECK_FALSE(options.accept_new_host);
    CHECK(options.cmd == "rsync");
    CHECK_FALSE(options.port);
    CHECK(options.session_bandwidth == 0);
}

TEST_CASE("the bandwidth is shared among the sessions") {
    Settings settings;
    settings.values.bandwidth_limit = 1000;
    settings.values.parallel_sessions = 4;
    CHECK(RsyncOptions(settings.get()).session_bandwidth == 250);
}

TEST_CASE("a host that ssh or rsync would take for something else is refused") {
    for (const std::string_view host : {"", "-oProxyCommand=x", "user@host", "host/module", "a b"}) {
        Settings settings;
        settings.values.target_host = host;
        CHECK_MESSAGE(refuses(settings, "outgoing.target_host"), host);
    }
}

TEST_CASE("the target directory has the form that the transport needs") {
    Settings daemon;
    daemon.set("transport", "daemon");
    CHECK(refuses(daemon, "MODULE/path"));
    daemon.values.target_dir = "module/path";
    CHECK(refusal_of(daemon).empty());
    Settings local;
    local.set("transport", "local");
    local.values.target_host = "";
    CHECK(refusal_of(local).empty());
    local.values.target_dir = "relative";
    CHECK(refuses(local, "absolute"));
}

TEST_CASE("a target directory that a server would expand as a pattern is refused") {
    for (const std::string_view directory :
         {"data/run[1]", "data/run*", "da?a/run", "data/run\\1", "da*a", "data/run[1"}) {
        for (const char* transport : {"ssh", "daemon"}) {
            Settings settings;
            settings.set("transport", transport);
            settings.values.target_dir = directory;
            CHECK_MESSAGE(refuses(settings, "outgoing.target_dir"), directory);
        }
        Settings local;
        local.set("transport", "local");
        const std::string absolute = "/" + std::string(directory);
        local.values.target_dir = absolute;
        CHECK_MESSAGE(refusal_of(local).empty(), directory);
    }
}

TEST_CASE("passwords are for a daemon, come one way only, and are one line") {
    Settings settings;
    settings.set("password", "secret");
    CHECK(refuses(settings, "rsync.transport daemon"));
    settings.set("transport", "daemon");
    settings.values.target_dir = "module";
    CHECK(refuses(settings, "rsync.username"));
    settings.set("username", "mover");
    CHECK(refusal_of(settings).empty());
    settings.set("password", "two\nlines");
    CHECK(refuses(settings, "one line"));
    CHECK_FALSE(refuses(settings, "two"));
    settings.set("password", "secret");
    settings.set("password_file", "/f");
    CHECK(refuses(settings, "both"));
    CHECK_FALSE(refuses(settings, "secret"));
}

TEST_CASE("ports and user names that cannot be are refused") {
    Settings settings;
    settings.set("port", "65536");
    CHECK(refuses(settings, "rsync.port"));
    settings.set("port", "22");
    settings.set("username", "-x");
    CHECK(refuses(settings, "rsync.username"));
}

TEST_CASE("a move never trusts sizes") {
    Settings settings;
    settings.set("size_only", "true");
    CHECK(refuses(settings, "rsync.size_only"));
    settings.values.mode = TransferMode::mirror;
    CHECK(refusal_of(settings).empty());
}

TEST_CASE("only arguments that change neither what is sent nor what is told are added") {
    for (const std::string argument :
         {"-o", "-og", "-AX", "--chmod=F644", "--rsync-path=/opt/rsync", "--fsync"}) {
        CHECK_MESSAGE(is_harmless_argument(argument), argument);
    }
    for (const std::string argument : {"",
                                       "-",
                                       "--",
                                       "x",
                                       "-n",
                                       "-on",
                                       "--dry-run",
                                       "--remove-source-files",
                                       "--delete",
                                       "--exclude=*",
                                       "--max-size=1",
                                       "--files-from=/f",
                                       "--inplace",
                                       "--out-format=%n",
                                       "-e",
                                       "--rsh=x",
                                       "-T",
                                       "--append",
                                       "--ignore-existing",
                                       "-u",
                                       "--existing",
                                       "--bwlimit=1",
                                       "/source",
                                       "--password-file=/f"}) {
        CHECK_MESSAGE(!is_harmless_argument(argument), argument);
    }
    Settings settings;
    settings.add("extra_args", {"-o", "--remove-source-files"});
    CHECK(refuses(settings, "--remove-source-files"));
}

TEST_CASE("an added argument has its value behind its name: it would take the next argument for it") {
    for (const std::string name :
         {"--address", "--block-size", "--cc", "--checksum-choice", "--chmod", "--chown", "--compress-choice",
          "--compress-level", "--contimeout", "--groupmap", "--modify-window", "--protocol", "--rsync-path",
          "--skip-compress", "--usermap"}) {
        CHECK_MESSAGE(!is_harmless_argument(name), name);
        CHECK_MESSAGE(is_harmless_argument(name + "=1"), name);
    }
    CHECK_FALSE(is_harmless_argument("--chmod="));
    CHECK(is_harmless_argument("--skip-compress="));
    for (const std::string name :
         {"--acls", "--fake-super", "--fsync", "--group", "--no-group", "--no-owner", "--no-perms", "--no-s",
          "--no-secluded-args", "--no-whole-file", "--numeric-ids", "--old-args", "--omit-link-times",
          "--open-noatime", "--owner", "--preallocate", "--sparse", "--whole-file", "--xattrs"}) {
        CHECK_MESSAGE(is_harmless_argument(name), name);
        CHECK_MESSAGE(!is_harmless_argument(name + "=x"), name);
    }
    Settings settings;
    settings.add("extra_args", {"--skip-compress"});
    CHECK(refuses(settings, "a value is written behind the name"));
}

TEST_CASE("what a connection needs of the further arguments changes no owner, rights or times") {
    using Texts = std::vector<std::string>;
    CHECK(connecting_arguments({"-o", "-gA4", "-64", "--chmod=F644", "--rsync-path=/opt/r s", "--old-args",
                                "--no-s", "--no-secluded-args", "--usermap=*:x", "--protocol=30",
                                "--fake-super"}) == Texts{"-4", "-64", "--rsync-path=/opt/r s", "--old-args",
                                                          "--no-s", "--no-secluded-args", "--protocol=30"});
}

}  // namespace mistamover::rsync
