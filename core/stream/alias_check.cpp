// SPDX-License-Identifier: BSD-3-Clause
#include "stream/alias_check.hpp"

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"
#include "stream/target_tree.hpp"

namespace mistamover::stream {
namespace {

constexpr char untold[] = "it cannot be told whether the target is the stream's own directory: ";

std::string random_name() {
    std::random_device random;
    const std::uint64_t number = std::uniform_int_distribution<std::uint64_t>()(random);
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016" PRIx64, number);
    return std::string(SourceDirectory::probe_prefix) + digits.data();
}

bool is_not_there(const StatCollector::Seen& seen) {
    return seen.status && seen.status->code() == StatusCode::not_found;
}

}  // namespace

AliasProbe::AliasProbe(const SourceDirectory& source) : source_(source), name_(random_name()) {
    const process::UniqueFd file(
        ::openat(source_.fd(), name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) {
        process::throw_errno(untold + (source_.path() / name_).string());
    }
}

AliasProbe::~AliasProbe() {
    ::unlinkat(source_.fd(), name_.c_str(), 0);
}

std::unique_ptr<const AliasProbe> AliasCheck::probe() const {
    try {
        return std::make_unique<const AliasProbe>(source_);
    } catch (const std::system_error&) {
        return nullptr;  // check() has another way
    }
}

void AliasCheck::note(const StatCollector::Seen& of_probe) {
    if (is_not_there(of_probe)) {
        shared_.answer = Answer::another;
    } else if (of_probe.status && of_probe.status->ok()) {
        shared_.answer = Answer::own;
    }
}

Status AliasCheck::conclusion() const {
    if (shared_.answer != Answer::own) {
        return {};
    }
    return {StatusCode::configuration, StatusScope::stream,
            "the target is the stream's own directory, " + source_.path().string() +
                ": what was sent would be deleted; set another target_host or target_dir"};
}

Status AliasCheck::check() {
    const Status status = shared_.answer == Answer::unknown ? ask() : Status{};
    return status.ok() ? conclusion() : status;
}

Status AliasCheck::check_untouched() {
    if (!asked_by_directory_ && capabilities_.has(Capability::make_directory)) {
        const Status status = ask_by_directory();
        if (status.beyond_item() && status.code() != StatusCode::no_space) {
            return status;
        }
        asked_by_directory_ = status.ok();
    }
    return conclusion();
}

Status AliasCheck::ask() {
    StatCollector seen(1);
    if (const std::unique_ptr<const AliasProbe> probe = this->probe()) {
        const std::array<std::string_view, 1> names{probe->name()};
        if (const Status status = session_.call_stat(names, seen).of_session(); !status.ok()) {
            return status;
        }
        note(seen[0]);
    } else if (const Status status = ask_by_directory(); !status.ok()) {
        return status.of_session();
    }
    if (shared_.answer != Answer::unknown) {
        return {};
    }
    return {StatusCode::unreachable, StatusScope::session,
            untold + (seen[0].status ? std::string(seen[0].status->text()) : "no answer")};
}

// By the directory that is the stream's alone at any target.
Status AliasCheck::ask_by_directory() {
    const Status made = session_.call_make_directory(temp_dir_);
    if (!made.ok() && made.code() != StatusCode::exists) {
        return {made.code(), made.scope(), untold + std::string(made.text()), made.protocol_code()};
    }
    struct stat info {};
    const bool is_here = ::fstatat(source_.fd(), temp_dir_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_here && errno != ENOENT) {
        return status_from_errno(errno, untold + (source_.path() / temp_dir_).string()).of_session();
    }
    shared_.answer = is_here ? Answer::own : Answer::another;
    if (is_here) {
        (void)remove_all(session_, {temp_dir_});
    }
    return {};
}

}  // namespace mistamover::stream
