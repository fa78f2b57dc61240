// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/directory_watch.hpp"

#include <set>
#include <system_error>
#include <utility>

namespace mistamover::supervisor {
namespace {

constexpr int directories_a_step = 100;

bool is_left_out(const std::filesystem::path& below) {
    return below.native().front() == '.';
}

bool is_real_directory(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::symlink_status(path, error).type() == std::filesystem::file_type::directory;
}

}  // namespace

DirectoryWatch::DirectoryWatch(process::EventLoop& loop, Watcher& watcher, std::filesystem::path directory,
                               bool recursive, Handler handler)
    : loop_(loop),
      watcher_(watcher),
      directory_(std::move(directory)),
      recursive_(recursive),
      handler_(std::move(handler)) {
    std::error_code ignored;
    real_directory_ = std::filesystem::weakly_canonical(directory_, ignored);
    const files::MountList mounts;
    mount_ = mounts.mount_of(real_directory_);
    mounts_below_ = mounts.mounts_below(real_directory_);
    if (add("") && recursive_) {
        find_later("");
    }
}

DirectoryWatch::~DirectoryWatch() {
    loop_.cancel(search_timer_);
    for (const auto& [below, watch] : watches_) {
        watcher_.remove(watch);
    }
}

std::filesystem::path DirectoryWatch::path_of(const std::filesystem::path& below) const {
    return below.empty() ? directory_ : directory_ / below;
}

// False where the kernel refuses.
bool DirectoryWatch::add(const std::filesystem::path& below) {
    std::string problem;
    const Watcher::WatchId watch = watcher_.add(
        path_of(below).string(), [this, below](const Watcher::Events& events) { on_events(below, events); },
        problem);
    if (watch == 0) {
        // One that has gone again, or has become something else, is not missed.
        const bool is_missed = below.empty() || is_real_directory(path_of(below));
        problem_ = is_missed ? problem : "";
        return false;
    }
    if (const auto found = watches_.find(below); found != watches_.end()) {
        watcher_.remove(found->second);
    }
    watches_[below] = watch;
    return true;
}

void DirectoryWatch::on_events(const std::filesystem::path& below, const Watcher::Events& events) {
    if (below.empty()) {
        if (recursive_ && !events.gone) {
            if (events.lost) {
                find_later("");  // directories that came may be among what was lost
            }
            for (const std::string& name : events.names) {
                find_later(name);
            }
        }
        tell(events);
        return;
    }
    if (events.gone) {
        // Its parent tells of it, but not where it was unmounted, and what it covered has the name.
        forget(below);
        find_later(below);
        return;
    }
    for (const std::string& name : events.names) {
        find_later(below / name);
    }
    if (events.names.empty()) {
        return;  // lost ones, which the directory itself is told of
    }
    Watcher::Events seen_from_above;
    seen_from_above.names.push_back(below.begin()->string());
    tell(seen_from_above);
}

// A directory that something is mounted on is not the one any more that is watched, which nobody tells.
void DirectoryWatch::note_mounts(const files::MountList& mounts) {
    std::vector<std::string> now = mounts.mounts_below(real_directory_);
    if (recursive_ && now != mounts_below_) {
        mounts_below_ = std::move(now);
        find_later("");
    }
}

void DirectoryWatch::tell(const Watcher::Events& events) const {
    const Handler handler = handler_;  // which may destroy this object
    handler(events);
}

void DirectoryWatch::forget(const std::filesystem::path& below) {
    const std::string prefix = below.string() + '/';
    std::erase_if(watches_, [&](const auto& entry) {
        const bool is_below = entry.first == below || entry.first.native().starts_with(prefix);
        if (is_below) {
            watcher_.remove(entry.second);
        }
        return is_below;
    });
}

void DirectoryWatch::find_later(const std::filesystem::path& below) {
    if (!below.empty() && (is_left_out(below) || !is_real_directory(path_of(below)))) {
        return;
    }
    to_be_searched_.push_back(below);
    if (search_timer_ == 0) {
        search_timer_ = loop_.call_after(std::chrono::milliseconds{0}, [this] { find_some(); });
    }
}

void DirectoryWatch::find_some() {
    search_timer_ = 0;
    for (int i = 0; i < directories_a_step && !to_be_searched_.empty() && problem_.empty(); ++i) {
        const std::filesystem::path below = std::move(to_be_searched_.front());
        to_be_searched_.pop_front();
        find_in(below);
    }
    if (problem_.empty() && !to_be_searched_.empty()) {
        search_timer_ = loop_.call_after(std::chrono::milliseconds{0}, [this] { find_some(); });
        return;
    }
    // What came before the watch on its directory was told by nobody.
    Watcher::Events everything;
    everything.lost = true;
    tell(everything);
}

// Watched first and listed then, so that no directory that comes meanwhile is missed.
void DirectoryWatch::find_in(const std::filesystem::path& below) {
    if (!below.empty() && !add(below)) {
        return;
    }
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(path_of(below), error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::filesystem::path found = below / entry->path().filename();
        if (entry->symlink_status(error).type() == std::filesystem::file_type::directory &&
            !is_left_out(found)) {
            to_be_searched_.push_back(found);
        }
        error.clear();
    }
}

}  // namespace mistamover::supervisor
