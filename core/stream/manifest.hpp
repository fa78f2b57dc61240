// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <mistamover/border.hpp>

#include "files/file_system_kind.hpp"

namespace mistamover::stream {

/// What makes a source file the one that was looked at before.
struct Identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;  ///< Changes with every write, also where the mtime is set back.
    EntryKind kind = EntryKind::other;
    std::uint32_t mode = 0;

    bool operator==(const Identity&) const = default;
};
Identity identity_of(const struct stat& info);

struct ManifestEntry {
    std::string path;  ///< Relative to the unit's parent: begins with the unit's name.
    Identity identity;
    bool operator==(const ManifestEntry&) const = default;
};

/// Everything in a unit, directories before what is in them, sorted by name. Directories' own sizes and times
/// are left out of their identity, since looking does not tell who changed them.
struct Manifest {
    std::vector<ManifestEntry> entries;
    std::uint64_t bytes = 0;
    bool operator==(const Manifest&) const = default;
};

/// Whether a writer has the file open.
enum class Writers : std::uint8_t {
    none,
    some,
    cannot_tell,  ///< The file system or the owner does not allow a lease.
    vanished,
};

/// What it tells that a read lease was granted, where `error` is 0, or refused with that errno. Pure.
Writers writers_by_lease(files::FileSystemKind kind, int error);

/// Takes and gives back a read lease, which the kernel refuses while anybody has the file open for writing.
Writers writers_of(int directory_fd, const char* name, files::FileSystemKind kind);
/// The same where the kind of file system has yet to be asked for.
Writers writers_of(int directory_fd, const char* name);

struct Look {
    Manifest manifest;
    Writers writers = Writers::none;        ///< The worst over all files.
    std::vector<Writers> writers_of_entry;  ///< One for each entry of the manifest.
    std::int64_t newest_change_ns =
        0;  ///< The latest ctime of all that is in it: the kernel's own, which no `touch` sets back.
    bool remote = false;  ///< Any of it is where others may write unseen, and by another clock.
    std::chrono::steady_clock::time_point begun{};
    std::chrono::steady_clock::time_point ended{};
};

/// Of which files it is asked whether somebody writes to them.
enum class WritersAsked : std::uint8_t {
    none,
    until_found,  ///< The look ends with the first that is written to, or has vanished.
    all,
};

/// Looks at unit `name` of the directory: follows no link. Throws std::system_error where something cannot be
/// read.
Look look_at(int directory_fd, const std::string& name, WritersAsked asked = WritersAsked::all);

/// Whether unit `name` still is what the manifest says; false where it cannot be looked at.
bool is_unchanged(int directory_fd, const std::string& name, const Manifest& manifest);

class HardLinks;

/// How the removal of a manifest's entries has ended.
struct ManifestRemoval {
    bool all = false;
    bool some = false;  ///< Whether anything has gone.
    int error = 0;      ///< What the kernel has refused; 0 where an entry is not what the manifest says.
};

/// Removes exactly the manifest's entries below `directory_fd`, each only if it is what the manifest says and
/// nobody writes to it, but for the first, which the caller has looked at. Ends at the first that stays.
/// `links` are told of what is removed, and asked what that has changed.
ManifestRemoval remove_manifest(int directory_fd, const Manifest& manifest, HardLinks& links);

}  // namespace mistamover::stream
