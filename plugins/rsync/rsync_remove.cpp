// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_remove.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "rsync/own_files.hpp"

namespace mistamover::rsync {
namespace {

// The server compares each entry of a directory with each rule, without a word: for some seconds in one of a
// hundred thousand.
constexpr std::size_t rules_at_once = 2000;

// What is named otherwise no rule matches, and parents made for it might lie outside of the local directory.
bool consists_of_names(std::string_view path) {
    std::size_t slash = 0;
    do {
        slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        if (name.empty() || name == "." || name == "..") {
            return false;
        }
        path.remove_prefix(std::min(name.size() + 1, path.size()));
    } while (slash != std::string_view::npos);
    return true;
}

// What rsync removes in one run it removes in an order of its own: parents must wait for a later one.
std::vector<std::vector<std::string_view>> deepest_first(std::span<const std::string_view> paths) {
    std::map<std::ptrdiff_t, std::vector<std::string_view>, std::greater<>> by_depth;
    for (const std::string_view path : paths) {
        by_depth[std::count(path.begin(), path.end(), '/')].push_back(path);
    }
    std::vector<std::vector<std::string_view>> levels;
    levels.reserve(by_depth.size());
    for (auto& [depth, level] : by_depth) {
        levels.push_back(std::move(level));
    }
    return levels;
}

}  // namespace

RemoveRun::RemoveRun(Runner& runner, const CommandBuilder& commands, Shared& shared, Look& look,
                     std::filesystem::path parents, std::span<const std::string_view> paths, RemoveSink& sink)
    : runner_(runner),
      commands_(commands),
      shared_(shared),
      look_(look),
      parents_(std::move(parents)),
      paths_(paths),
      sink_(sink) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
        open_.emplace(paths[i], i);
    }
}

void RemoveRun::end(std::string_view path, const Status& status) {
    const auto [first, last] = open_.equal_range(path);
    for (auto named = first; named != last; ++named) {
        sink_.done(named->second, status);
    }
    open_.erase(first, last);
}

std::vector<std::string_view> RemoveRun::open() const {
    std::vector<std::string_view> paths;
    paths.reserve(open_.size());
    for (const auto& [path, index] : open_) {
        paths.push_back(path);
    }
    return paths;
}

Status RemoveRun::run() {
    for (const std::vector<std::string_view>& level : deepest_first(paths_)) {
        if (shared_.can_remove == Shared::Answer::no) {
            return refuse_the_rest();
        }
        const Status status = shared_.removes_missing ? remove(level) : remove_by_rules(level);
        if (!status.ok()) {
            return status;
        }
    }
    return shared_.can_remove == Shared::Answer::no ? refuse_the_rest() : look_for_unremoved();
}

Status RemoveRun::refuse_the_rest() {
    for (const std::string_view path : open()) {
        end(path,
            item_failure(StatusCode::unsupported, path, "is not removed: the server refuses to delete"));
    }
    return {};
}

Status RemoveRun::remove(std::span<const std::string_view> level) {
    const ChildEnd end = run_rsync({commands_.remove(shared_.empty_dir), name_list(level)});
    if (end.result.exited_with(exit_protocol) && end.errors.find(refusal_of_missing) != std::string::npos) {
        shared_.removes_missing = false;
        return remove_by_rules(level);
    }
    return status_of(end);
}

Status RemoveRun::remove_by_rules(std::span<const std::string_view> level) {
    Status status;
    while (status.ok() && !level.empty() && shared_.can_remove != Shared::Answer::no) {
        const std::size_t count = std::min(level.size(), rules_at_once);
        const std::vector<std::string_view> named = make_parents(level.first(count));
        if (!named.empty()) {
            status = status_of(run_rsync(commands_.remove_by_rules(parents_.string(), named)));
        }
        std::error_code ignored;  // what stays is removed before they are made again
        std::filesystem::remove_all(parents_, ignored);
        level = level.subspan(count);
    }
    return status;
}

std::vector<std::string_view> RemoveRun::make_parents(std::span<const std::string_view> paths) {
    make_empty_directory(parents_);
    std::vector<std::string_view> named;
    named.reserve(paths.size());
    for (const std::string_view path : paths) {
        std::error_code error;
        if (!consists_of_names(path)) {
            end(path, item_failure(StatusCode::unsupported, path, "is not removed: it is no path of names"));
        } else if (std::filesystem::create_directories((parents_ / path).parent_path(), error); error) {
            end(path, item_failure(StatusCode::local_io, path,
                                   "is not removed: its directory cannot be made in the work directory"));
        } else {
            named.push_back(path);
        }
    }
    return named;
}

ChildEnd RemoveRun::run_rsync(const CommandWithInput& command) {
    return runner_.run(command, [&](std::string_view line) {
        const auto told = parse_item_line(line);
        if (told && told->what == ItemLine::What::removed) {
            end(told->path, {});
        }
    });
}

// Names of what is not here count as sources that vanished.
Status RemoveRun::status_of(const ChildEnd& end) {
    if (is_refused_an_option(end)) {
        shared_.can_remove = Shared::Answer::no;
        return {};
    }
    const bool ran = end.result.exited_with(0) || end.result.exited_with(exit_vanished) ||
                     end.result.exited_with(exit_partial);
    return ran ? Status{} : runner_.failure(end);
}

// What was not there is not told as removed.
Status RemoveRun::look_for_unremoved() {
    const std::vector<std::string_view> left = open();
    if (left.empty()) {
        return {};
    }
    bool complete = false;
    const Status status = look_.named(
        name_list(left),
        [&](const ListLine& entry) {
            end(entry.path, item_failure(entry.info.kind == EntryKind::directory ? StatusCode::exists
                                                                                 : StatusCode::permission,
                                         entry.path, "cannot be removed"));
        },
        complete);
    if (!status.ok()) {
        return status;
    }
    for (const std::string_view path : open()) {
        end(path, complete ? Status{} : item_failure(StatusCode::permission, path, "cannot be removed"));
    }
    return {};
}

}  // namespace mistamover::rsync
