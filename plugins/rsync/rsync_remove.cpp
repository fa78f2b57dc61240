// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_remove.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>

namespace mistamover::rsync {
namespace {

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

RemoveRun::RemoveRun(Runner& runner, const CommandBuilder& commands, const Shared& shared, Look& look,
                     std::span<const std::string_view> paths, RemoveSink& sink)
    : runner_(runner), commands_(commands), shared_(shared), look_(look), paths_(paths), sink_(sink) {
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
    ChildEnd last;
    for (const std::vector<std::string_view>& level : deepest_first(paths_)) {
        last = runner_.run(commands_.remove(shared_.empty_dir), name_list(level), [&](std::string_view line) {
            const auto told = parse_item_line(line);
            if (told && told->what == ItemLine::What::removed) {
                end(told->path, {});
            }
        });
        // Those names count as sources that vanished.
        const bool ran = last.result.exited_with(0) || last.result.exited_with(exit_vanished) ||
                         last.result.exited_with(exit_partial);
        if (!ran) {
            return runner_.failure(last);
        }
    }
    return look_for_unremoved();
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
