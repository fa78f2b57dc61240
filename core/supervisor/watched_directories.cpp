// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/watched_directories.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "files/mounts.hpp"

namespace mistamover::supervisor {
namespace {

// `dot_file`: see WatchRequest.
std::vector<std::string> names_that_count(std::vector<std::string> names, const std::string& dot_file) {
    std::erase_if(names, [&](const std::string& name) {
        return !dot_file.empty() && name.front() == '.' && name != dot_file;
    });
    return names;
}

}  // namespace

WatchedDirectories::WatchedDirectories(process::EventLoop& loop, Watcher& watcher, LogService& log,
                                       OnGone on_gone)
    : loop_(loop), watcher_(watcher), log_(log), on_gone_(std::move(on_gone)) {}

void WatchedDirectories::watch(StreamChild& child, const process::WatchRequest& wanted) {
    child.wants_watch = wanted;
    if (const std::string problem = try_to_watch(child); !problem.empty()) {
        refuse(child, problem);
    }
}

void WatchedDirectories::try_again(StreamChild& child) {
    if (child.pid > 0 && !child.watch && child.wants_watch && try_to_watch(child).empty()) {
        log_.log().info("the directory of stream " + child.stream.name + " can be watched now");
    }
}

void WatchedDirectories::forget(StreamChild& child) {
    child.watch.reset();
    child.wants_watch.reset();
}

// Why its directory cannot be watched; empty: it is.
std::string WatchedDirectories::try_to_watch(StreamChild& child) {
    auto watch = std::make_unique<DirectoryWatch>(
        loop_, watcher_, child.wants_watch->path, child.wants_watch->recursive,
        [this, &child](const Watcher::Events& events) { on_events(child, events); });
    if (!watch->problem().empty()) {
        return watch->problem();
    }
    child.watch = std::move(watch);
    child.channel->send(process::Rescan{});
    return "";
}

void WatchedDirectories::refuse(StreamChild& child, const std::string& problem) {
    if (told_refusals_.insert(problem).second) {
        log_.log().warning("directories are polled, since they cannot be watched: " + problem);
    }
    child.channel->send(process::WatchFailed{problem});
}

void WatchedDirectories::on_events(StreamChild& child, const Watcher::Events& events) {
    if (events.gone) {
        on_gone_(child);
    } else if (!child.watch->problem().empty()) {
        const std::string problem = child.watch->problem();
        child.watch.reset();
        refuse(child, problem);
    } else {
        tell_changes(child, events);
    }
}

void WatchedDirectories::mounts_changed(const Children& children) {
    const files::MountList mounts;
    for (const auto& [name, child] : children) {
        if (child->watch && child->watch->is_elsewhere(mounts)) {
            log_.log().info("the directory of stream " + name + " is on another mount now");
            on_gone_(*child);
        } else if (child->watch) {
            child->watch->note_mounts(mounts);
        }
    }
}

void WatchedDirectories::tell_changes(StreamChild& child, const Watcher::Events& events) {
    std::vector<std::string> names = names_that_count(events.names, child.wants_watch->dot_file);
    if (names.empty() && !events.lost) {
        return;
    }
    child.contact.told(process::EventLoop::Clock::now());
    child.changes->tell(std::move(names), events.lost);
}

}  // namespace mistamover::supervisor
