// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/watcher.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <system_error>
#include <unistd.h>

namespace mistamover::supervisor {
namespace {

constexpr std::chrono::milliseconds gathering{2};

constexpr std::uint32_t wanted = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD;

std::string refusal(int error_number, const std::string& directory) {
    switch (error_number) {
        case EMFILE:
            return "no inotify instance is left: raise the sysctl fs.inotify.max_user_instances";
        case ENOSPC:
            return "no inotify watch is left: raise the sysctl fs.inotify.max_user_watches";
        default:
            return directory + ": " + std::system_category().message(error_number);
    }
}

}  // namespace

Watcher::Watcher(process::EventLoop& loop)
    : loop_(loop), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (inotify_.valid()) {
        loop_.watch(inotify_.get(), EPOLLIN, [this](std::uint32_t) { read_events(); });
    }
}

Watcher::~Watcher() {
    loop_.cancel(pause_);
    if (inotify_.valid()) {
        loop_.unwatch(inotify_.get());
    }
}

Watcher::WatchId Watcher::add(const std::string& directory, Handler handler, std::string& problem,
                              Attributes attributes) {
    if (!inotify_.valid()) {
        inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!inotify_.valid()) {
            problem = refusal(errno, directory);
            return 0;
        }
        loop_.watch(inotify_.get(), EPOLLIN, [this](std::uint32_t) { read_events(); });
    }
    const std::uint32_t mask = attributes == Attributes::tell ? wanted | IN_ATTRIB : wanted;
    const int descriptor = ::inotify_add_watch(inotify_.get(), directory.c_str(), mask);
    if (descriptor < 0) {
        problem = refusal(errno, directory);
        return 0;
    }
    const WatchId id = next_++;
    watches_[id] = {descriptor, std::move(handler)};
    by_descriptor_.emplace(descriptor, id);
    return id;
}

void Watcher::remove(WatchId watch) {
    const auto found = watches_.find(watch);
    if (found == watches_.end()) {
        return;
    }
    const int descriptor = found->second.descriptor;
    const auto [first, last] = by_descriptor_.equal_range(descriptor);
    for (auto entry = first; entry != last; ++entry) {
        if (entry->second == watch) {
            by_descriptor_.erase(entry);
            break;
        }
    }
    watches_.erase(found);
    if (!by_descriptor_.contains(descriptor)) {
        ::inotify_rm_watch(inotify_.get(), descriptor);
    }
}

// A busy directory is told of many times a second otherwise, each time anew waking whoever watches it.
void Watcher::pause() {
    loop_.change(inotify_.get(), 0);
    pause_ = loop_.call_after(gathering, [this] { loop_.change(inotify_.get(), EPOLLIN); });
}

void Watcher::read_events() {
    pause();
    alignas(inotify_event) char buffer[64 * 1024];
    std::map<int, Events> by_watch;
    bool lost = false;
    const ssize_t length = ::read(inotify_.get(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < length;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof *event + event->len);
        if ((event->mask & IN_Q_OVERFLOW) != 0) {
            lost = true;
            continue;
        }
        Events& events = by_watch[event->wd];
        if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
            events.gone = true;
        } else if (event->len > 0 && (events.names.empty() || events.names.back() != event->name)) {
            events.names.emplace_back(event->name);
        }
    }
    std::vector<std::pair<WatchId, Events>> calls;
    for (const auto& [descriptor, id] : by_descriptor_) {
        const auto found = by_watch.find(descriptor);
        if (found != by_watch.end() || lost) {
            Events events = found == by_watch.end() ? Events{} : found->second;
            events.lost = lost;
            calls.emplace_back(id, std::move(events));
        }
    }
    for (const auto& [id, events] : calls) {
        const auto watch = watches_.find(id);
        if (watch != watches_.end()) {
            const Handler handler = watch->second.handler;
            if (events.gone) {
                remove(id);
            }
            handler(events);
        }
    }
}

}  // namespace mistamover::supervisor
