// SPDX-License-Identifier: BSD-3-Clause
#include "stream/alias_check.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <string>
#include <system_error>
#include <unistd.h>

#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

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
    if (shared_.is_another) {
        return nullptr;
    }
    try {
        return std::make_unique<const AliasProbe>(source_);
    } catch (const std::system_error&) {
        return nullptr;  // check() tells of it, if it has no other way
    }
}

void AliasCheck::note(const StatCollector::Seen& of_probe) {
    if (is_not_there(of_probe)) {
        shared_.is_another = true;
    }
}

Status AliasCheck::check(std::span<const std::string_view> files) {
    if (shared_.is_another) {
        return {};
    }
    bool any_missing = false;
    Status status = find_missing(files.first(std::min(files.size(), most_files)), any_missing);
    if (status.ok() && !any_missing) {
        status = look_for_probe();
    }
    if (status.ok()) {
        shared_.is_another = true;
    }
    return status;
}

// What has gone from here meanwhile tells nothing.
Status AliasCheck::find_missing(std::span<const std::string_view> files, bool& any_missing) {
    if (files.empty()) {
        return {};
    }
    StatCollector seen(files.size());
    const Status status = session_.call_stat(files, seen).of_session();
    for (std::size_t i = 0; status.ok() && i < files.size(); ++i) {
        any_missing = any_missing || (is_not_there(seen[i]) && source_.find(std::string(files[i])));
    }
    return status;
}

Status AliasCheck::look_for_probe() {
    StatCollector collector(1);
    try {
        const AliasProbe probe(source_);
        const std::array<std::string_view, 1> names{probe.name()};
        if (const Status status = session_.call_stat(names, collector).of_session(); !status.ok()) {
            return status;
        }
    } catch (const std::system_error& error) {
        return status_from_errno(error.code().value(), error.what()).of_session();
    }
    const StatCollector::Seen& seen = collector[0];
    if (is_not_there(seen)) {
        return {};
    }
    if (seen.status && seen.status->ok()) {
        return {StatusCode::configuration, StatusScope::stream,
                "the target is the stream's own directory, " + source_.path().string() +
                    ": all that was sent would be deleted; set another target_host or target_dir"};
    }
    return {StatusCode::unreachable, StatusScope::session,
            untold + (seen.status ? std::string(seen.status->text()) : "no answer")};
}

}  // namespace mistamover::stream
