// SPDX-License-Identifier: BSD-3-Clause
#include "stream/hard_links.hpp"

#include <algorithm>
#include <fcntl.h>
#include <utility>

#include "files/file_system_kind.hpp"

namespace mistamover::stream {

const HardLinks::Times* HardLinks::find(const File& file) const {
    for (const auto* files : {&newer_, &older_}) {
        if (const auto found = files->find(file); found != files->end()) {
            return &found->second;
        }
    }
    return nullptr;
}

Identity HardLinks::as_sent(Identity now, const Identity& sent) const {
    const std::lock_guard lock(mutex_);
    const Times* const times = find({now.device, now.inode});
    if (times != nullptr && (now.ctime_ns == times->last_ns || times->last_ns == any_time) &&
        sent.ctime_ns >= times->first_ns && sent.ctime_ns <= times->last_ns) {
        now.ctime_ns = sent.ctime_ns;
    }
    return now;
}

void HardLinks::make_as_sent(Manifest& now, const Manifest& sent) const {
    const std::size_t count = std::min(now.entries.size(), sent.entries.size());
    for (std::size_t i = 0; i < count; ++i) {
        now.entries[i].identity = as_sent(now.entries[i].identity, sent.entries[i].identity);
    }
}

std::size_t HardLinks::size() const {
    const std::lock_guard lock(mutex_);
    return newer_.size() + older_.size();
}

void HardLinks::removed(const Identity& before, std::int64_t after_ns) {
    const std::lock_guard lock(mutex_);
    const File file(before.device, before.inode);
    Times times{before.ctime_ns, after_ns};
    const Times* const known = find(file);
    if (known != nullptr && before.ctime_ns >= known->first_ns && before.ctime_ns <= known->last_ns) {
        times = {known->first_ns, std::max(known->last_ns, after_ns)};
    }
    older_.erase(file);
    newer_[file] = times;
    if (newer_.size() >= most_of_each_) {
        older_ = std::exchange(newer_, {});
    }
}

void HardLinks::forget(const Identity& file) {
    const std::lock_guard lock(mutex_);
    newer_.erase({file.device, file.inode});
    older_.erase({file.device, file.inode});
}

HardLinks::Removal::Removal(HardLinks& links, int directory_fd, const char* name, const struct stat& info)
    : links_(links), before_(identity_of(info)), has_other_names_(info.st_nlink > 1) {
    if (has_other_names_ &&
        files::file_system_kind(directory_fd, name, info.st_dev) == files::FileSystemKind::local) {
        file_.reset(::openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    }
}

void HardLinks::Removal::done() const {
    struct stat info {};
    if (has_other_names_ && !file_.valid()) {
        links_.removed(before_, any_time);
        return;
    }
    if (!has_other_names_ || ::fstat(file_.get(), &info) != 0 || info.st_nlink == 0) {
        links_.forget(before_);
        return;
    }
    const Identity after = identity_of(info);
    if (after.device == before_.device && after.inode == before_.inode) {
        links_.removed(before_, after.ctime_ns);
    }
}

}  // namespace mistamover::stream
