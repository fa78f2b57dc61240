// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/configuration_watch.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace mistamover::supervisor {
namespace {

constexpr std::chrono::milliseconds quiet_time{200};

bool concerns(const std::string& only, const std::string& name) {
    const bool is_told_of = name.ends_with(".yaml") || name.ends_with(".yml");
    return only.empty() ? is_told_of && name.front() != '.' : name == only;
}

// Empty where there is nothing.
std::string directory_identity(const std::filesystem::path& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? std::to_string(info.st_dev) + ' ' + std::to_string(info.st_ino)
                                            : std::string();
}

std::string file_facts(const std::filesystem::path& file) {
    struct stat info {};
    std::string facts;
    if (::stat(file.c_str(), &info) == 0) {
        for (const auto number : {static_cast<std::int64_t>(info.st_ino), info.st_size, info.st_mtim.tv_sec,
                                  info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec}) {
            facts += ' ' + std::to_string(number);
        }
    }
    return facts;
}

enum class Files : std::uint8_t { all, links };

// Differs after any change of the files, as far as the file system tells.
std::string look_at(const std::filesystem::path& path, const std::string& only, Files which) {
    std::set<std::string> files;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(path, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        std::error_code ignored;
        if (concerns(only, name) && (which == Files::all || entry->is_symlink(ignored))) {
            files.insert(name + '/' + file_facts(entry->path()));
        }
    }
    std::string text;
    for (const std::string& file : files) {
        text += file + '/';
    }
    return text;
}

}  // namespace

ConfigurationWatch::ConfigurationWatch(process::EventLoop& loop, Watcher& watcher,
                                       std::function<void()> on_change)
    : loop_(loop), watcher_(watcher), on_change_(std::move(on_change)) {}

ConfigurationWatch::~ConfigurationWatch() {
    loop_.cancel(change_timer_);
    loop_.cancel(poll_timer_);
    for (const Directory& directory : directories_) {
        watcher_.remove(directory.watch);
    }
}

void ConfigurationWatch::watch(const std::filesystem::path& file, const std::filesystem::path& config_dir,
                               std::chrono::milliseconds poll_interval) {
    poll_interval_ = poll_interval;
    directories_[0].only = file.filename().string();
    const bool new_file = aim(directories_[0], file.parent_path());
    const bool new_directory = aim(directories_[1], config_dir);
    if (new_file || new_directory) {
        change_soon();
    }
    poll_later();
}

void ConfigurationWatch::look_again() {
    for (Directory& directory : directories_) {
        if (aim(directory, directory.path)) {
            change_soon();
            poll_later();
        }
    }
}

// True where it was not looked at until now.
bool ConfigurationWatch::aim(Directory& directory, const std::filesystem::path& path) {
    if (directory.path == path && (directory.watch == 0 || directory_identity(path) == directory.identity)) {
        return directory.watch == 0 && try_watch(directory);
    }
    watcher_.remove(directory.watch);
    directory.watch = 0;
    directory.path = path;
    if (!try_watch(directory)) {
        looks_different(directory);
    }
    return true;
}

bool ConfigurationWatch::try_watch(Directory& directory) {
    std::string problem;
    directory.identity =
        directory_identity(directory.path);  // first: what takes its place meanwhile is seen later
    directory.watch = watcher_.add(
        directory.path.string(),
        [this, &directory](const Watcher::Events& events) { on_events(directory, events); }, problem,
        Watcher::Attributes::tell);
    if (directory.watch == 0) {
        return false;
    }
    looks_different(directory);
    return true;
}

// No event tells what becomes of a file that a link leads to.
bool ConfigurationWatch::looks_different(Directory& directory) {
    std::string seen =
        look_at(directory.path, directory.only, directory.watch == 0 ? Files::all : Files::links);
    return std::exchange(directory.seen, seen) != seen;
}

void ConfigurationWatch::on_events(Directory& directory, const Watcher::Events& events) {
    if (events.gone) {
        directory.watch = 0;
        directory.seen.clear();
        poll();
    }
    const auto counts = [&](const std::string& name) { return concerns(directory.only, name); };
    if (events.gone || events.lost || std::any_of(events.names.begin(), events.names.end(), counts)) {
        looks_different(directory);
        change_soon();
        if (poll_timer_ == 0) {
            poll_later();
        }
    }
}

void ConfigurationWatch::change_soon() {
    loop_.cancel(change_timer_);
    change_timer_ = loop_.call_after(quiet_time, [this] {
        change_timer_ = 0;
        on_change_();
    });
}

void ConfigurationWatch::poll_later() {
    const auto must_be_looked_at = [](const Directory& directory) {
        return directory.watch == 0 || !directory.seen.empty();
    };
    loop_.cancel(poll_timer_);
    poll_timer_ = 0;
    if (std::any_of(directories_.begin(), directories_.end(), must_be_looked_at)) {
        poll_timer_ = loop_.call_after(poll_interval_, [this] { poll(); });
    }
}

void ConfigurationWatch::poll() {
    for (Directory& directory : directories_) {
        if ((directory.watch == 0 && try_watch(directory)) || looks_different(directory)) {
            change_soon();
        }
    }
    poll_later();
}

}  // namespace mistamover::supervisor
