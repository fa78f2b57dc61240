// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "config/load.hpp"
#include "configuration_files.hpp"

namespace mistamover::config {
namespace {

/// A stream's file whose line 2 is `outgoing`.
std::string sends(const std::string& directory, const std::string& outgoing, const std::string& more = "") {
    return "data_stream: {directory: " + directory + "}\noutgoing: {" + outgoing + "}\n" + more + '\n';
}

std::string problems_of_one(const std::string& text) {
    Files files;
    files.stream(text);
    return files.problems();
}

std::string problems_of_two(const std::string& p, const std::string& q) {
    Files files;
    files.stream(p, "p");
    files.stream(q, "q");
    return files.problems();
}

struct Way {
    std::string module;
    std::string host;
    std::string directory;
    std::string options;   ///< Of the module.
    std::string outgoing;  ///< With a comma in front.
};

std::string sends(const std::string& name, const Way& way) {
    return sends("/d/" + name,
                 "plugin: " + way.module + ", target_host: '" + way.host + "', target_dir: " + way.directory +
                     way.outgoing,
                 way.module + ": {" + way.options + "}");
}

Way mirrors(Way way) {
    way.outgoing = ", transfer_mode: mirror" + way.outgoing;
    return way;
}

void check_conflict(const Way& p, const Way& q) {
    const std::string problems = problems_of_two(sends("p", p), sends("q", q));
    const std::string shares = "`outgoing.target_dir` is, holds or lies in the target directory of stream ";
    CHECK_MESSAGE(problems.starts_with("p.yaml:2:"), problems);
    CHECK_MESSAGE(has(problems, shares + "`q`"), problems);
    CHECK_MESSAGE(has(problems, "\nq.yaml:2:"), problems);
    CHECK_MESSAGE(has(problems, shares + "`p`"), problems);
}

void check_peace(const Way& p, const Way& q) {
    const std::string problems = problems_of_two(sends("p", p), sends("q", q));
    CHECK_MESSAGE(problems.empty(), problems);
}

}  // namespace

TEST_CASE("a target inside the source is an error, and so is a mirror's that holds it") {
    const std::string inside = "`outgoing.target_dir` lies inside the stream's own directory";
    const std::string holds =
        "`outgoing.target_dir` holds the stream's directory, which the mirror would delete";
    const auto problems = [](const std::string& outgoing, const std::string& more = "") {
        return problems_of_one(sends("/d/p", outgoing, more));
    };
    CHECK(has(problems("plugin: local, target_dir: /d/p/out"), inside));
    CHECK(has(problems("plugin: local, target_dir: /d/p"), inside));
    CHECK(has(problems("plugin: local, target_dir: /d/x/../p/out"), inside));
    CHECK(has(problems("plugin: local, target_dir: /d/p, transfer_mode: mirror"), inside));
    CHECK(has(problems("plugin: local, target_dir: /d, transfer_mode: mirror"), holds));
    CHECK(has(problems("plugin: rsync, target_dir: /d/p/out", "rsync: {transport: local}"), inside));
    CHECK(has(problems("plugin: rsync, target_dir: /d, transfer_mode: mirror", "rsync: {transport: local}"),
              holds));
    CHECK(problems("plugin: local, target_dir: /d").empty());
    CHECK(problems("plugin: local, target_dir: /d/p2").empty());
    CHECK(problems("plugin: rsync, target_host: h, target_dir: /d/p/out").empty());
}

TEST_CASE("a target that leads into the source through a link is inside the source") {
    Files files;
    const std::filesystem::path source = files.directory() / "source";
    std::filesystem::create_directories(source);
    std::filesystem::create_directory_symlink(source, files.directory() / "link");
    files.stream(
        sends(source.string(), "plugin: local, target_dir: " + (files.directory() / "link/out").string()));
    CHECK(has(files.problems(), "lies inside the stream's own directory"));
}

TEST_CASE("nothing of the program, nor of the stream, lies in a local mirror's target") {
    Files files;
    const std::string top = files.directory().string();
    const auto problems = [&](const std::string& outgoing) {
        files.stream("incoming: {require_arrival_monitor: true}\n" +
                     sends("/d/p", "plugin: local, quarantine_dir: $(global:top)/kept, target_dir: " + top +
                                       outgoing));
        return files.problems();
    };
    const std::string all = problems(", transfer_mode: mirror");
    for (const std::string key : {"incoming.directory", "outgoing.quarantine_dir", "global.run_dir",
                                  "logging.base_log_dir", "global.config_dir"}) {
        CHECK_MESSAGE(has(all, "is or holds " + key + ", which the mirror would delete"), all);
    }
    CHECK_FALSE(has(problems(""), "would delete"));
    CHECK(problems(", transfer_mode: mirror, mirror_delete: false").empty());
    CHECK(problems("/mirror, transfer_mode: mirror").empty());
    const std::string some = problems(", transfer_mode: mirror, exclude: [kept, log, incoming, 'streams.*']");
    CHECK_MESSAGE(has(some, "global.run_dir"), some);
    CHECK(some.find('\n') + 1 == some.size());
}

TEST_CASE("no directory of another stream lies in a local mirror's target") {
    const std::string mirror = sends("/d/p", "plugin: local, target_dir: /archive, transfer_mode: mirror");
    const auto check = [&](const std::string& other, const std::string& key) {
        const std::string problems = problems_of_two(mirror, other);
        CHECK_MESSAGE(has(problems, "p.yaml:2:"), problems);
        CHECK_MESSAGE(has(problems, "`outgoing.target_dir` is or holds a directory of stream `q`"), problems);
        CHECK_MESSAGE(
            has(problems, "`" + key + "` is, or lies in, the target directory of stream `p`, a mirror"),
            problems);
    };
    const std::string away = "plugin: carrier, target_dir: /t";
    check(sends("/archive", away), "data_stream.directory");
    check(sends("/archive/q", away), "data_stream.directory");
    check(sends("/d/q", away + ", quarantine_dir: /archive/kept"), "outgoing.quarantine_dir");
    check(sends("/d/q", away, "incoming: {require_arrival_monitor: true, directory: /archive/in}"),
          "incoming.directory");
    CHECK(problems_of_two(mirror, sends("/archive/.q", away)).empty());
    CHECK(problems_of_two(mirror, sends("/archived", away)).empty());
    CHECK(problems_of_two(sends("/d/p", "plugin: local, target_dir: /archive"), sends("/archive", away))
              .empty());
}

TEST_CASE(
    "nothing is delivered on this host to where another stream has everything deleted when a disk fills") {
    const auto problems = [](const std::string& deletion, const std::string& outgoing,
                             const std::string& more = "") {
        return problems_of_two("data_stream: {directory: /d/p, deletion_enabled: " + deletion +
                                   "}\noutgoing: {plugin: none, quarantine_dir: /kept}\n"
                                   "incoming: {require_arrival_monitor: true, directory: /in}\n",
                               sends("/d/q", outgoing, more));
    };
    const auto check = [](const std::string& found, const std::string& key) {
        CHECK_MESSAGE(
            has(found, "`" + key + "` is or holds a directory of stream `q`, which deletion_enabled"), found);
        CHECK_MESSAGE(has(found, "`outgoing.target_dir` is, or lies in, a directory of stream `p`"), found);
    };
    check(problems("true", "plugin: local, target_dir: /kept"), "outgoing.quarantine_dir");
    check(problems("true", "plugin: local, target_dir: /kept/q"), "outgoing.quarantine_dir");
    check(problems("true", "plugin: local, target_dir: /in/q"), "incoming.directory");
    check(problems("true", "plugin: rsync, target_dir: /in/q", "rsync: {transport: local}"),
          "incoming.directory");
    CHECK(problems("true", "plugin: local, target_dir: /in") == "");
    CHECK(problems("true", "plugin: local, target_dir: /kept2") == "");
    CHECK(problems("true", "plugin: sftp, target_host: h, target_dir: /kept") == "");
    CHECK(problems("false", "plugin: local, target_dir: /kept") == "");
}

TEST_CASE("a mirror shares its target with no other stream") {
    const Way local{"local", "", "/archive", "", ""};
    check_conflict(mirrors(local), local);
    check_conflict(mirrors(local), mirrors(local));
    check_conflict(mirrors(local), {"local", "", "/archive/x/y", "", ""});
    check_conflict({"local", "", "/archive", "", ""}, mirrors({"local", "", "/archive/x", "", ""}));
    check_conflict(mirrors(local), {"rsync", "", "/archive", "transport: local", ""});
    const Way server{"sftp", "h.example.org", "/archive", "", ""};
    check_conflict(mirrors(server), {"sftp", "H.Example.org", "/archive/x", "", ""});
    check_conflict(mirrors(server), {"sftp", "h.example.org", "/archive/", "port: 2222, username: me", ""});
    check_conflict(mirrors(server), {"rsync", "h.example.org", "/archive", "", ""});
    check_conflict(mirrors({"ftp", "h", "archive", "username: a", ""}),
                   {"ftp", "h", "./archive", "username: a", ""});
    check_conflict(mirrors({"ftp", "h", ".", "username: a", ""}), {"ftp", "h", "archive", "username: a", ""});
    check_conflict(mirrors({"rsync", "h", "module", "transport: daemon, username: a", ""}),
                   {"rsync", "h", "module/x", "transport: daemon, username: b", ""});
    check_conflict(mirrors({"sftp", "h", "/archive", "username: a", ""}),
                   {"rsync", "h", "/archive", "username: a", ""});
    check_conflict(mirrors({"ftp", "h", "/archive", "username: a", ""}), {"ftp", "h", "/archive", "", ""});
    check_conflict(mirrors({"local", "", "/archive", "", ", include: ['a*', b]"}),
                   mirrors({"local", "", "/archive", "", ", exclude: ['a*']"}));
    check_conflict(mirrors({"local", "", "/archive", "", ", exclude: ['a*']"}),
                   mirrors({"local", "", "/archive", "", ", exclude: ['a*']"}));
    check_conflict({"local", "", "/archive", "", ", include: [a], directories: zip"},
                   mirrors({"local", "", "/archive", "", ", exclude: [a]"}));
}

TEST_CASE("targets that are not one place, or from which nothing is deleted, disturb nobody") {
    const Way local{"local", "", "/archive", "", ""};
    check_peace(local, local);
    check_peace(local, {"local", "", "/archive/x", "", ""});
    check_peace(mirrors({"local", "", "/archive", "", ", mirror_delete: false"}), local);
    check_peace(mirrors(local), {"local", "", "/archive2", "", ""});
    check_peace(mirrors(local), {"local", "", "/archive/.x/y", "", ""});
    check_peace(mirrors({"local", "", "/archive", "", ", exclude: ['x*']"}),
                {"local", "", "/archive/x1", "", ""});
    check_peace(mirrors({"local", "", "/archive", "", ", include: ['y*']"}),
                {"local", "", "/archive/x1", "", ""});
    const Way server{"sftp", "h", "/archive", "port: 2201", ""};
    check_peace(mirrors(server), {"sftp", "h2", "/archive", "port: 2201", ""});
    check_peace(mirrors(server), {"sftp", "h", "/archive", "port: 2202", ""});
    check_peace(mirrors(server), {"ftp", "h", "/archive", "port: 2201", ""});
    check_peace(mirrors(server), local);
    check_peace(mirrors({"ftp", "h", "archive", "username: a", ""}),
                {"ftp", "h", "archive", "username: b", ""});
    check_peace(mirrors({"rsync", "h", "archive", "transport: daemon", ""}),
                {"rsync", "h", "archive", "", ""});
    check_peace(mirrors({"local", "", "/archive", "", ", include: ['a*', b]"}),
                mirrors({"local", "", "/archive", "", ", exclude: [b, c, 'a*']"}));
}

TEST_CASE(
    "mirrors that may have roots of their own are left in peace, but no file that was moved is risked") {
    const Way of_a{"sftp", "h", "/upload", "username: a", ""};
    const Way of_b{"sftp", "h", "/upload", "username: b", ""};
    check_peace(mirrors(of_a), mirrors(of_b));
    check_conflict(mirrors(of_a), of_b);
    check_conflict(mirrors(of_a), {"rsync", "h", "/upload/x", "username: b", ""});
    check_conflict(mirrors({"ftp", "h", "/", "username: a", ""}), {"ftp", "h", "/x", "username: b", ""});
    check_peace(mirrors({"sftp", "h", "upload", "username: a", ""}),
                {"rsync", "h", "upload/x", "username: b", ""});
    const Way unknown{"carrier", "h", "bucket", "", ""};
    check_peace(mirrors(unknown), mirrors(unknown));
    check_conflict(mirrors(unknown), unknown);
    check_peace(mirrors(unknown), {"carrier", "h", "bucket2", "", ""});
}

TEST_CASE("a mirror may take what another one delivers on this host, but not have it come back") {
    const std::string refused = "`data_stream.directory` is, or lies in, the target directory of stream `p`";
    const std::string first = sends("/in", "plugin: local, target_dir: /stage, transfer_mode: mirror");
    const std::string mirror = "quarantine_dir: /kept, transfer_mode: mirror, ";
    const std::string away = "plugin: sftp, target_host: h, target_dir: /archive";
    const auto problems = [&](const std::string& directory, const std::string& outgoing,
                              const std::string& more = "") {
        return problems_of_two(first, sends(directory, outgoing, more));
    };
    CHECK(problems("/stage", mirror + away) == "");
    CHECK(problems("/stage", mirror + away + ", mirror_delete: false") == "");
    CHECK(problems("/stage", mirror + "plugin: local, target_dir: /archive") == "");
    CHECK(has(problems("/stage", mirror + "plugin: local, target_dir: /in"), refused));
    CHECK(has(problems("/stage", mirror + "plugin: local, target_dir: /in/x"), refused));
    CHECK(
        has(problems("/stage", mirror + "plugin: local, target_dir: /in/x, mirror_delete: false"), refused));
    CHECK(has(problems("/stage/x", mirror + away), refused));
    CHECK(has(problems("/stage", "quarantine_dir: /kept, " + away), refused));
    CHECK(has(problems("/stage", mirror + "plugin: none"), refused));
    CHECK(has(
        problems("/stage", mirror + away, "incoming: {require_arrival_monitor: true, directory: /arrivals}"),
        refused));
    const std::string with_quarantine = problems("/stage", "transfer_mode: mirror, " + away);
    CHECK_FALSE(has(with_quarantine, refused));
    CHECK(
        has(with_quarantine, "`outgoing.quarantine_dir` is, or lies in, the target directory of stream `p`"));
}

TEST_CASE("mirrors that deliver to each other in a circle are refused") {
    Files files;
    const auto add = [&](const std::string& name, const std::string& from, const std::string& to) {
        files.stream(sends(from, "plugin: local, transfer_mode: mirror, quarantine_dir: /kept/" + name +
                                     ", target_dir: " + to),
                     name);
    };
    add("p", "/a", "/b");
    add("q", "/b", "/c");
    CHECK(files.problems() == "");
    add("r", "/c", "/a");
    const std::string problems = files.problems();
    for (const std::string mirror : {"p", "q", "r"}) {
        CHECK_MESSAGE(has(problems, "the target directory of stream `" + mirror + "`, a mirror"), problems);
    }
}

TEST_CASE("a mirror waits even for a stream with another fault, for it would delete that one's files") {
    const std::string mirror = sends("/d/p", "plugin: local, target_dir: /archive, transfer_mode: mirror");
    const std::string fault = "logging: {nonsense: 1}";
    for (const std::string& other : {sends("/d/q", "plugin: local, target_dir: /archive/q", fault),
                                     sends("/archive/q", "plugin: carrier, target_dir: /t", fault)}) {
        CHECK(has(problems_of_two(mirror, other), "p.yaml:2:"));
    }
    const std::string peaceful =
        problems_of_two(mirror, sends("/d/p", "plugin: carrier, target_dir: /t", fault));
    CHECK_MESSAGE(peaceful.starts_with("q.yaml:"), peaceful);
}

}  // namespace mistamover::config
