// SPDX-License-Identifier: BSD-3-Clause
#include "stream/source_directory.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "files/directory_names.hpp"
#include "files/durability.hpp"
#include "files/mounts.hpp"
#include "files/rename_no_replace.hpp"
#include "process/throw_errno.hpp"
#include "stream/deletability.hpp"

namespace mistamover::stream {
namespace {

constexpr char aside_name[] = ".mistamover";
// In that: directories whose entries are being deleted. No unit has such a name.
constexpr char doomed_name[] = ".deleted";
// Before the name of a unit where there was no room for those directories.
constexpr char aside_prefix[] = ".mistamover.aside.";
constexpr char doomed_prefix[] = ".mistamover.deleted.";
constexpr char zip_directory_name[] = ".mistamover-zip";

std::string doomed_path() {
    return std::string(aside_name) + '/' + doomed_name;
}

process::UniqueFd open_directory(int directory_fd, const std::string& path) {
    return process::UniqueFd(
        ::openat(directory_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Makes it where it is missing. 0, or the errno.
int open_or_make_directory(int directory_fd, const char* name, process::UniqueFd& opened) {
    if (::mkdirat(directory_fd, name, 0700) != 0 && errno != EEXIST) {
        return errno;
    }
    opened = open_directory(directory_fd, name);
    return opened.valid() ? 0 : errno;
}

bool tells_of_full_disk(int error) {
    return error == ENOSPC || error == EDQUOT;
}

// The manifest of the same unit under another name.
Manifest renamed(Manifest manifest, const std::string& name) {
    const std::size_t length = manifest.entries.front().path.size();
    for (ManifestEntry& entry : manifest.entries) {
        entry.path.replace(0, length, name);
    }
    return manifest;
}

// 0, or the errno; 0 where it is no directory, so that nothing has gone that way.
int write_out_directory(int directory_fd, const std::string& path) {
    const process::UniqueFd opened = open_directory(directory_fd, path);
    if (opened.valid()) {
        return files::write_out(opened.get());
    }
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : errno;
}

// The name with a version number in GNU backup form, cut where it would be too long for a file name.
std::string numbered(const std::string& name, unsigned number) {
    const std::string suffix = ".~" + std::to_string(number) + '~';
    return name.substr(0, 255 - suffix.size()) + suffix;
}

}  // namespace

SourceDirectory::SourceDirectory(const config::StreamSettings& settings)
    : path_(settings.directory),
      outgoing_(settings.outgoing),
      unit_names_(path_, outgoing_.quarantine_dir, outgoing_.include, outgoing_.exclude) {
    files::check_mounted(path_, "the stream's directory");
    if (outgoing_.mode == TransferMode::move) {
        std::error_code ignored;
        std::filesystem::create_directories(path_, ignored);
    }
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd_.valid()) {
        process::throw_errno("the stream's directory " + path_.string());
    }
    handshake_reserve_ = std::make_unique<HandshakeReserve>(fd());
}

std::vector<Candidate> SourceDirectory::scan() const {
    std::vector<Candidate> units;
    for (const std::string& name :
         files::directory_names(fd(), ".", "the stream's directory " + path_.string())) {
        if (!is_unit(name)) {
            continue;
        }
        if (std::optional<Candidate> candidate = find_possible(name)) {
            units.push_back(std::move(*candidate));
        }
    }
    return units;
}

void SourceDirectory::check_still_there() const {
    struct stat opened {};
    struct stat named {};
    if (::fstat(fd(), &opened) != 0 || ::stat(path_.c_str(), &named) != 0) {
        process::throw_errno("the stream's directory " + path_.string());
    }
    if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) {
        errno = ESTALE;
        process::throw_errno("the stream's directory " + path_.string() + " is another one now");
    }
}

std::optional<Candidate> SourceDirectory::find(const std::string& name) const {
    struct stat info {};
    if (::fstatat(fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return std::nullopt;
    }
    return Candidate{name, identity_of(info)};
}

std::optional<Candidate> SourceDirectory::find_for_certain(const std::string& name) const {
    std::optional<Candidate> candidate = find(name);
    if (!candidate && errno != ENOENT) {
        process::throw_errno(path_.string() + '/' + name);
    }
    return candidate;
}

// To look at it closer tells what it has.
std::optional<Candidate> SourceDirectory::find_possible(const std::string& name) const {
    std::optional<Candidate> candidate = find(name);
    if (!candidate && errno != ENOENT) {
        candidate = Candidate{name, {}};
    }
    return candidate;
}

files::StopAuthor SourceDirectory::stop_author() const {
    return files::stop_author(fd(), outgoing_.stop_file);
}

// Invalid where it is not there. What cannot be opened may hide units that were never delivered; but a mirror
// has put none there.
process::UniqueFd SourceDirectory::open_left_aside(const std::string& path) const {
    process::UniqueFd opened = open_directory(fd(), path);
    if (!opened.valid() && errno != ENOENT && outgoing_.mode == TransferMode::move) {
        process::throw_errno((path_ / path).string());
    }
    return opened;
}

// Where there is no room for the dot-directory, a unit goes to a dot-name beside it: what must be deleted to
// make room must not wait for room.
SourceDirectory::Remover::Aside SourceDirectory::Remover::set_aside(const std::string& name) {
    const files::RenameEnd own{source_.fd(), name};
    Aside aside{aside_.get(), name, 0};
    aside.error = aside_.valid() ? files::set_aside(own, {aside.directory, name}) : ENOENT;
    if (aside.error != ENOENT) {
        return aside;
    }
    // It may have been taken away since it was opened.
    if (const int error = open_or_make_directory(source_.fd(), aside_name, aside_); error == 0) {
        aside.directory = aside_.get();
    } else if (tells_of_full_disk(error)) {
        aside = {source_.fd(), aside_prefix + name, 0};
    } else {
        errno = error;
        process::throw_errno(source_.path().string() + '/' + aside_name);
    }
    aside.error = files::set_aside(own, {aside.directory, aside.name});
    return aside;
}

// To where a crash leaves it without its being taken for a unit: what is left would be sent in place of the
// whole. 0, or the errno.
int SourceDirectory::Remover::doom(Aside& aside, const std::string& name) {
    Aside doomed{source_.fd(), doomed_prefix + name, 0};
    if (aside.directory != source_.fd()) {
        const int error = open_or_make_directory(aside.directory, doomed_name, doomed_);
        if (error == 0) {
            doomed = {doomed_.get(), name, 0};
        } else if (!tells_of_full_disk(error)) {
            return error;
        }
    }
    const int error =
        files::rename_no_replace({aside.directory, aside.name}, {doomed.directory, doomed.name});
    if (error == 0) {
        aside = doomed;
    }
    return error;
}

bool SourceDirectory::Remover::is_what_was_sent(const Aside& aside, const Manifest& sent) const {
    try {
        Look now = look_at(aside.directory, aside.name, WritersAsked::until_found);
        // The renaming has changed it.
        now.manifest.entries.front().identity.ctime_ns = sent.entries.front().identity.ctime_ns;
        source_.links_.make_as_sent(now.manifest, sent);
        return now.manifest == sent && now.writers != Writers::some;
    } catch (const std::system_error&) {
        return false;  // somebody is at work in it
    }
}

// `aside` is then where what is left of it lies.
ManifestRemoval SourceDirectory::Remover::delete_directory(Aside& aside, const Manifest& sent) {
    int error = refuses_deletion(aside.directory, renamed(sent, aside.name));
    if (error == 0) {
        error = doom(aside, sent.entries.front().path);
    }
    return error == 0 ? remove_manifest(aside.directory, renamed(sent, aside.name), source_.links_)
                      : ManifestRemoval{false, false, error};
}

SourceDirectory::Removed SourceDirectory::Remover::remove(const std::string& name, const Manifest& sent) {
    const Identity& sent_unit = sent.entries.front().identity;
    const bool is_directory = sent_unit.kind == EntryKind::directory;
    struct stat info {};
    const bool is_file =
        ::fstatat(source_.fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && !is_directory;
    if (is_file && source_.links_.as_sent(identity_of(info), sent_unit) != sent_unit) {
        return {Removal::changed, {}};
    }
    Aside aside = set_aside(name);
    if (aside.error == ENOENT) {
        return {Removal::removed, {}};  // somebody else took it away after it was delivered
    }
    if (aside.error != 0) {
        errno = aside.error;
        process::throw_errno("cannot set " + name + " aside to delete it");
    }
    std::optional<HardLinks::Removal> of_name;
    if (is_file) {
        of_name.emplace(source_.links_, aside.directory, aside.name.c_str(), info);
    }
    const Manifest there = renamed(sent, aside.name);
    ManifestRemoval removal;
    if (is_what_was_sent(aside, there)) {
        removal = is_directory ? delete_directory(aside, sent)
                               : remove_manifest(aside.directory, there, source_.links_);
    }
    if (removal.all && of_name) {
        of_name->done();
    }
    return removal.all ? Removed{Removal::removed, {}} : keep(aside, name, removal);
}

// What is left of the unit, or all of it.
SourceDirectory::Removed SourceDirectory::Remover::keep(const Aside& aside, const std::string& name,
                                                        const ManifestRemoval& removal) {
    if (removal.some) {
        return {Removal::in_part, source_.recover_to_quarantine(aside.directory, aside.name, name)};
    }
    Recovered unit = source_.recover(aside.directory, aside.name, name);
    if (!unit.has_its_name()) {
        return {Removal::displaced, std::move(unit)};
    }
    if (removal.error != 0) {
        errno = removal.error;
        process::throw_errno("cannot delete " + name);
    }
    return {Removal::changed, {}};
}

void SourceDirectory::check_removals() const {
    const auto check = [](int directory_fd, const std::filesystem::path& path) {
        if (const int error = refuses_removals(directory_fd); error != 0) {
            errno = error;
            process::throw_errno(path.string());
        }
    };
    check(fd(), path_);
    if (const process::UniqueFd aside = open_left_aside(aside_name); aside.valid()) {
        check(aside.get(), path_ / aside_name);
    }
}

// Until all of the way that it went by is on the disk, it could be found again on any step of it.
int SourceDirectory::write_out_removals() const {
    for (const std::string& directory : {doomed_path(), std::string(aside_name)}) {
        if (const int error = write_out_directory(fd(), directory); error != 0) {
            return error;
        }
    }
    return files::write_out(fd());
}

std::string SourceDirectory::quarantine_from(int directory_fd, const std::string& name,
                                             const std::string& as) {
    std::filesystem::create_directories(outgoing_.quarantine_dir);
    const process::UniqueFd quarantine_fd(
        ::open(outgoing_.quarantine_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::string kept = as;
    const files::RenameEnd from{directory_fd, name};
    int error = files::rename_no_replace(from, {quarantine_fd.get(), kept});
    for (unsigned number = 1; error != 0; ++number) {
        if (error != EEXIST) {
            errno = error;
            process::throw_errno("cannot move " + name + " to the quarantine " +
                                 outgoing_.quarantine_dir.string());
        }
        kept = numbered(as, number);
        error = files::rename_no_replace(from, {quarantine_fd.get(), kept});
    }
    return kept;
}

// Where a file system cannot rename without replacing, that takes two steps, between which somebody else may
// put something new under the name: so nothing is in its place any more when they are taken.
std::string SourceDirectory::quarantine(const std::string& name) {
    Remover remover(*this);
    const Remover::Aside aside = remover.set_aside(name);
    if (aside.error != 0) {
        return quarantine_from(fd(), name, name);
    }
    try {
        return quarantine_from(aside.directory, aside.name, name);
    } catch (const std::system_error& error) {
        const Recovered unit = recover(aside.directory, aside.name, name);
        if (unit.has_its_name()) {
            throw;
        }
        if (unit.error.empty()) {
            return unit.quarantined_as;
        }
        throw std::system_error(error.code(), name +
                                                  " can be moved neither to the quarantine nor back, and " +
                                                  "stays set aside until the next start");
    }
}

SourceDirectory::Recovered SourceDirectory::recover_to_quarantine(int directory_fd, const std::string& name,
                                                                  const std::string& as) {
    Recovered unit{as, {}, {}};
    try {
        unit.quarantined_as = quarantine_from(directory_fd, name, as);
    } catch (const std::system_error& error) {
        unit.error = error.what();
    }
    return unit;
}

SourceDirectory::Recovered SourceDirectory::recover(int directory_fd, const std::string& name,
                                                    const std::string& as) {
    if (files::rename_no_replace({directory_fd, name}, {fd(), as}) == 0) {
        return {as, {}, {}};
    }
    return recover_to_quarantine(directory_fd, name, as);
}

std::vector<SourceDirectory::Recovered> SourceDirectory::quarantine_half_deleted() {
    const std::string directory = doomed_path();
    std::vector<Recovered> found;
    if (const process::UniqueFd doomed = open_left_aside(directory); doomed.valid()) {
        for (const std::string& name :
             files::directory_names(doomed.get(), ".", path_.string() + '/' + directory)) {
            found.push_back(recover_to_quarantine(doomed.get(), name, name));
        }
        ::unlinkat(fd(), directory.c_str(), AT_REMOVEDIR);
    }
    for (const std::string& name : names_after(doomed_prefix)) {
        found.push_back(recover_to_quarantine(fd(), doomed_prefix + name, name));
    }
    return found;
}

std::vector<SourceDirectory::Recovered> SourceDirectory::recover() {
    std::vector<Recovered> found;
    if (const process::UniqueFd aside = open_left_aside(aside_name); aside.valid()) {
        for (const std::string& name :
             files::directory_names(aside.get(), ".", path_.string() + '/' + aside_name)) {
            if (name != doomed_name) {
                found.push_back(recover(aside.get(), name, name));
            }
        }
    }
    for (const std::string& name : names_after(aside_prefix)) {
        found.push_back(recover(fd(), aside_prefix + name, name));
    }
    for (const std::string& name : names_after(probe_prefix)) {
        ::unlinkat(fd(), (probe_prefix + name).c_str(), 0);
    }
    tidy();
    return found;
}

// What follows the prefix in the names that begin with it.
std::vector<std::string> SourceDirectory::names_after(std::string_view prefix) const {
    std::vector<std::string> found;
    try {
        for (const std::string& name : files::directory_names(fd(), ".", path_.string())) {
            if (name.starts_with(prefix)) {
                found.push_back(name.substr(prefix.size()));
            }
        }
    } catch (const std::system_error&) {
        found.clear();  // the scan will say so; the next start tries again
    }
    return found;
}

void SourceDirectory::tidy() {
    ::unlinkat(fd(), doomed_path().c_str(), AT_REMOVEDIR);
    ::unlinkat(fd(), aside_name, AT_REMOVEDIR);
    std::error_code ignored;
    std::filesystem::remove_all(path_ / zip_directory_name, ignored);
}

std::filesystem::path SourceDirectory::make_zip_directory() {
    if (::mkdirat(fd(), zip_directory_name, 0700) != 0 && errno != EEXIST) {
        process::throw_errno(path_.string() + '/' + zip_directory_name);
    }
    return path_ / zip_directory_name;
}

void SourceDirectory::remove_zip(const std::string& zip_name) {
    ::unlinkat(fd(), (std::string(zip_directory_name) + '/' + zip_name).c_str(), 0);
}

}  // namespace mistamover::stream
