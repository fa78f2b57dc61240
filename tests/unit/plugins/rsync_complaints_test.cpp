// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "rsync/complaints.hpp"

namespace mistamover::rsync {
namespace {

constexpr std::string_view temporary = ".mistamover-0";

// As rsync complains of a file on its way.
std::string mkstemp_failed(const std::string& file, const std::string& why) {
    return "rsync: [receiver] mkstemp \"" + file + "\" failed: " + why + '\n';
}

Status session_of(const std::string& errors) {
    return Complaints(errors, temporary).of_session();
}

Status item_of(const std::string& errors, std::string_view path) {
    return Complaints(errors, temporary).of_item(path);
}

bool tells(const Status& status, std::string_view part) {
    return status.text().find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("system errors are what rsync itself says at the ends of its lines") {
    const Complaints complaints(
        "rsync: [receiver] mkstemp \"/t/.f.aB3dE6\" failed: Permission denied (13)\n"
        "rsync: write failed on \"/t/f\" (in data): No space left on device (28)\r\n"
        "could not make way for new regular file: pic (5)\n"
        "could not make way for new regular file: of: this (5)\n"
        "(5) d\nmain.c(808) [x]\nrsync: (5)\nrsync: x (5)\n)\n",
        temporary);
    CHECK(complaints.tell_of(EACCES));
    CHECK(complaints.tell_of(ENOSPC));
    CHECK_FALSE(complaints.tell_of(EIO));
}

TEST_CASE("what is the machine's or a file system's at the target is the session's") {
    struct Trial {
        const char* why;
        StatusCode code;
    };
    for (const Trial& trial : {Trial{"Stale file handle (116)", StatusCode::unreachable},
                               Trial{"Input/output error (5)", StatusCode::unreachable},
                               Trial{"Transport endpoint is not connected (107)", StatusCode::unreachable},
                               Trial{"Too many open files (24)", StatusCode::local_io},
                               Trial{"Too many open files in system (23)", StatusCode::local_io},
                               Trial{"Cannot allocate memory (12)", StatusCode::local_io},
                               Trial{"No space left on device (28)", StatusCode::no_space},
                               Trial{"Disk quota exceeded (122)", StatusCode::no_space},
                               Trial{"Read-only file system (30)", StatusCode::permission}}) {
        CAPTURE(trial.why);
        const Status status = session_of(mkstemp_failed("/t/.mistamover-0/f.aB3dE6", trial.why));
        CHECK(to_string(status.code()) == to_string(trial.code));
        CHECK(status.scope() == StatusScope::session);
        CHECK(tells(status, trial.why));
    }
}

TEST_CASE("what is a file's at the target, or a name, is not the session's") {
    for (const std::string& errors :
         {mkstemp_failed("/t/.mistamover-0/f.aB3dE6", "Permission denied (13)"),
          mkstemp_failed("/t/d/.f.aB3dE6", "No such file or directory (2)"),
          std::string("could not make way for new regular file: pic (28)\n"),
          std::string("rsync: [sender] send_files failed to open \"/s/f\": Input/output error (5)\n"),
          std::string("file has vanished: \"/s/f\"\n"), std::string()}) {
        CHECK_MESSAGE(session_of(errors).ok(), errors);
    }
}

TEST_CASE("a temporary file whose directory has gone is the session's, as is a source that has gone stale") {
    const Status gone =
        session_of(mkstemp_failed("/t/.mistamover-0/f.aB3dE6", "No such file or directory (2)"));
    CHECK(gone.code() == StatusCode::unreachable);
    CHECK(gone.scope() == StatusScope::session);
    const Status stale = session_of("rsync: [sender] link_stat \"/s/f\" failed: Stale file handle (116)\n");
    CHECK(stale.scope() == StatusScope::session);
    CHECK_FALSE(tells(stale, "target"));
}

TEST_CASE("an item is told the line that names it") {
    const std::string errors =
        "could not make way for new regular file: dir\n"
        "rsync: [sender] send_files failed to open \"/s/secret\": Permission denied (13)\n"
        "rsync: [sender] link_stat \"/s/gone\" failed: No such file or directory (2)\n"
        "file has vanished: \"/s/gone too\"\n" +
        mkstemp_failed("/t/.mistamover-0/f.aB3dE6.qW2eRt", "File name too long (36)") +
        mkstemp_failed("/t/.mistamover-0/new\\#012line.aB3dE6", "Invalid argument (22)") +
        mkstemp_failed("/t/d/.g.aB3dE6", "Permission denied (13)") +
        "rsync: [receiver] rename \"/t/.mistamover-0/f.aB3dE7\" -> \"f\": Operation not permitted (1)\n"
        "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at "
        "main.c(1394)\n";
    struct Trial {
        const char* path;
        StatusCode code;
        int number;
        const char* told;
    };
    for (const Trial& trial :
         {Trial{"dir", StatusCode::exists, 0, "the target refused dir: could not make way"},
          Trial{"secret", StatusCode::permission, EACCES, "secret cannot be read: "},
          Trial{"gone", StatusCode::source_changed, ENOENT, "gone cannot be read: "},
          Trial{"gone too", StatusCode::source_changed, 0, "gone too cannot be read: "},
          Trial{"f.aB3dE6", StatusCode::local_io, ENAMETOOLONG, "the target refused f.aB3dE6: "},
          Trial{"new\nline", StatusCode::local_io, EINVAL, "Invalid argument"},
          Trial{"d/g", StatusCode::permission, EACCES, "the target refused d/g: "},
          Trial{"f", StatusCode::permission, EPERM, "the target refused f: "}}) {
        CAPTURE(trial.path);
        const Status status = item_of(errors, trial.path);
        CHECK(to_string(status.code()) == to_string(trial.code));
        CHECK(status.scope() == StatusScope::item);
        CHECK(status.protocol_code() == trial.number);
        CHECK_MESSAGE(tells(status, trial.told), status.text());
    }
}

TEST_CASE("an item that no line names is not said to be what the first line is about") {
    const Status status = item_of(mkstemp_failed("/t/.mistamover-0/f.aB3dE6", "Permission denied (13)"), "g");
    CHECK(status.code() == StatusCode::unsupported);
    CHECK(status.scope() == StatusScope::item);
    CHECK_FALSE(tells(status, "refused"));
    CHECK_FALSE(item_of("", "g").ok());
}

TEST_CASE("access is denied by the target alone, not by a source") {
    const auto deny = [](const std::string& errors) { return Complaints(errors, temporary).deny_access(); };
    CHECK(deny(mkstemp_failed("/t/.mistamover-0/f.aB3dE6", "Permission denied (13)")));
    CHECK(deny("rsync: rename \"/t/.mistamover-0/f.aB3dE7\" -> \"f\": Operation not permitted (1)\n"));
    CHECK_FALSE(deny("rsync: [sender] send_files failed to open \"/s/f\": Permission denied (13)\n"));
    CHECK_FALSE(deny("rsync: send_files failed to open \"/s/f\": Permission denied (13)\n"));
}

TEST_CASE("an older rsync, which does not say who complains, is understood") {
    const Status status = item_of("rsync: send_files failed to open \"/s/f\": Permission denied (13)\n", "f");
    CHECK(tells(status, "f cannot be read"));
    CHECK(
        session_of("rsync: mkstemp \"/t/.mistamover-0/f.aB3dE6\" failed: Stale file handle (116)\n").code() ==
        StatusCode::unreachable);
    CHECK(session_of("rsync: failed to connect to h (10.0.0.1): No route to host (113)\n").ok());
}

}  // namespace mistamover::rsync
