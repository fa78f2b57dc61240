// SPDX-License-Identifier: BSD-3-Clause
#include "stream/source_directory.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/directory_names.hpp"
#include "files/rename_no_replace.hpp"
#include "process/throw_errno.hpp"

namespace mistamover::stream {
namespace {

constexpr char aside_name[] = ".mistamover";
// In that: directories whose entries are being deleted. No unit has such a name.
constexpr char doomed_name[] = ".deleted";
constexpr char zip_directory_name[] = ".mistamover-zip";

std::string doomed_path() {
    return std::string(aside_name) + '/' + doomed_name;
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
    if (outgoing_.mode == TransferMode::move) {
        std::error_code ignored;
        std::filesystem::create_directories(path_, ignored);
    }
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd_.valid()) {
        process::throw_errno("the stream's directory " + path_.string());
    }
}

std::vector<Candidate> SourceDirectory::scan() const {
    std::vector<Candidate> units;
    for (const std::string& name :
         files::directory_names(fd(), ".", "the stream's directory " + path_.string())) {
        if (!is_unit(name)) {
            continue;
        }
        if (std::optional<Candidate> candidate = find(name)) {
            units.push_back(std::move(*candidate));
        } else if (errno != ENOENT) {
            units.push_back({name, {}});  // it is there: to look at it closer tells what it has
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

files::StopAuthor SourceDirectory::stop_author() const {
    return files::stop_author(fd(), outgoing_.stop_file);
}

process::UniqueFd SourceDirectory::open_aside() const {
    return process::UniqueFd(::openat(fd(), aside_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// 0, or the error. The directory may have been taken away since it was opened.
int SourceDirectory::Remover::set_aside(const std::string& name) {
    const files::RenameEnd own{source_.fd(), name};
    int error = aside_.valid() ? files::set_aside(own, {aside_.get(), name}) : ENOENT;
    if (error == ENOENT) {
        if (::mkdirat(source_.fd(), aside_name, 0700) != 0 && errno != EEXIST) {
            process::throw_errno(source_.path().string() + '/' + aside_name);
        }
        aside_ = source_.open_aside();
        error = files::set_aside(own, {aside_.get(), name});
    }
    return error;
}

bool SourceDirectory::Remover::delete_aside(const std::string& name, const Manifest& sent) {
    try {
        Look now = look_at(aside_.get(), name);
        // The renaming has changed it.
        now.manifest.entries.front().identity.ctime_ns = sent.entries.front().identity.ctime_ns;
        if (now.manifest != sent || now.writers == Writers::some) {
            return false;
        }
        const bool is_directory = sent.entries.front().identity.kind == EntryKind::directory;
        return is_directory ? delete_directory(name, sent) : remove_manifest(aside_.get(), sent);
    } catch (const std::system_error&) {
        return false;  // somebody is at work in it
    }
}

// What a crash leaves of it must not be taken for a unit: it would be sent in place of the whole.
bool SourceDirectory::Remover::delete_directory(const std::string& name, const Manifest& sent) {
    (void)::mkdirat(aside_.get(), doomed_name, 0700);
    const process::UniqueFd doomed(
        ::openat(aside_.get(), doomed_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const files::RenameEnd whole{aside_.get(), name};
    const files::RenameEnd going{doomed.get(), name};
    if (!doomed.valid() || files::rename_no_replace(whole, going) != 0) {
        return false;
    }
    const bool removed = remove_manifest(doomed.get(), sent);
    if (!removed) {
        (void)files::rename_no_replace(going, whole);
    }
    return removed;
}

SourceDirectory::Removal SourceDirectory::Remover::remove(const std::string& name, const Manifest& sent) {
    const Identity& sent_unit = sent.entries.front().identity;
    struct stat info {};
    if (::fstatat(source_.fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        sent_unit.kind != EntryKind::directory && identity_of(info) != sent_unit) {
        return Removal::changed;
    }
    const int error = set_aside(name);
    if (error == ENOENT) {
        return Removal::removed;  // somebody else took it away after it was delivered
    }
    if (error != 0) {
        errno = error;
        process::throw_errno("cannot set " + name + " aside to delete it");
    }
    if (delete_aside(name, sent)) {
        return Removal::removed;
    }
    if (files::rename_no_replace({aside_.get(), name}, {source_.fd(), name}) != 0) {
        source_.quarantine_from(aside_.get(), name);
    }
    return Removal::changed;
}

std::string SourceDirectory::quarantine_from(int directory_fd, const std::string& name) {
    std::filesystem::create_directories(outgoing_.quarantine_dir);
    const process::UniqueFd quarantine_fd(
        ::open(outgoing_.quarantine_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::string kept = name;
    const files::RenameEnd from{directory_fd, name};
    int error = files::rename_no_replace(from, {quarantine_fd.get(), kept});
    for (unsigned number = 1; error != 0; ++number) {
        if (error != EEXIST) {
            errno = error;
            process::throw_errno("cannot move " + name + " to the quarantine " +
                                 outgoing_.quarantine_dir.string());
        }
        kept = numbered(name, number);
        error = files::rename_no_replace(from, {quarantine_fd.get(), kept});
    }
    return kept;
}

std::string SourceDirectory::quarantine(const std::string& name) {
    return quarantine_from(fd(), name);
}

std::vector<std::string> SourceDirectory::quarantine_half_deleted() {
    const std::string directory = doomed_path();
    std::vector<std::string> found;
    const process::UniqueFd doomed(
        ::openat(fd(), directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (doomed.valid()) {
        found = files::directory_names(doomed.get(), ".", path_.string() + '/' + directory);
    }
    for (const std::string& name : found) {
        quarantine_from(doomed.get(), name);
    }
    ::unlinkat(fd(), directory.c_str(), AT_REMOVEDIR);
    return found;
}

std::vector<std::string> SourceDirectory::recover() {
    std::vector<std::string> found;
    const process::UniqueFd aside = open_aside();
    if (aside.valid()) {
        found = files::directory_names(aside.get(), ".", path_.string() + '/' + aside_name);
    }
    for (const std::string& name : found) {
        if (files::rename_no_replace({aside.get(), name}, {fd(), name}) != 0) {
            quarantine_from(aside.get(), name);
        }
    }
    tidy();
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
