// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_removal.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {
namespace {

using StatusByPath = std::map<std::string_view, Status>;

Status removal_failure(const Reply& reply, std::string_view path) {
    return reply_failure(reply, During::change, "remove " + std::string(path));
}

/// What was found of the path itself or of a directory that it lies in; null where nothing was.
const Status* found_above(const StatusByPath& found, std::string_view path) {
    for (; !path.empty(); path = parent_of(path)) {
        if (const auto at = found.find(path); at != found.end()) {
            return &at->second;
        }
    }
    return nullptr;
}

}  // namespace

void Removal::run(const Indices& asked) {
    const Indices rest = remove_links(asked);
    for (std::size_t from = 0; from < rest.size(); from += window) {
        remove(std::span(rest).subspan(from, std::min(window, rest.size() - from)));
    }
}

/// Reports what has gone with its link, and returns the others. What the server will not delete for the
/// moment may be a link: all behind it stays.
Removal::Indices Removal::remove_links(const Indices& asked) {
    std::set<std::string_view> parents;
    for (const std::size_t index : asked) {
        parents.insert(parent_of(paths_[index]));
    }
    std::map<std::ptrdiff_t, std::set<std::string_view>> by_depth;  // each before what is in it
    for (const std::size_t index : asked) {
        if (const std::string_view path = paths_[index]; parents.contains(path)) {
            by_depth[std::count(path.begin(), path.end(), '/')].insert(path);
        }
    }
    StatusByPath found;
    for (const auto& [depth, level] : by_depth) {
        std::vector<std::string_view> directories;
        std::copy_if(level.begin(), level.end(), std::back_inserter(directories),
                     [&found](std::string_view path) { return found_above(found, path) == nullptr; });
        in_windows(tools_.control, directories.size(), [&](std::size_t number) {
            const std::string_view path = directories[number];
            tools_.control.queue(tools_.control.with_path("DELE", path), [&found, path](const Reply& reply) {
                if (reply.completed()) {
                    found.emplace(path, Status());
                } else if (reply.passing_failure()) {
                    found.emplace(path, removal_failure(reply, path));
                }
            });
        });
    }
    Indices rest;
    for (const std::size_t index : asked) {
        if (const Status* status = found_above(found, paths_[index])) {
            sink_.done(index, *status);
        } else {
            rest.push_back(index);
        }
    }
    return rest;
}

void Removal::remove(std::span<const std::size_t> some) {
    std::vector<Reply> replies(some.size());
    auto next = replies.begin();
    for (const std::size_t index : some) {
        tools_.control.queue(tools_.control.with_path("DELE", paths_[index]),
                             [&reply = *next++](const Reply& said) { reply = said; });
    }
    tools_.control.exchange();
    Lookup lookup(tools_);
    next = replies.begin();
    for (const std::size_t index : some) {
        const Reply& reply = *next++;
        sink_.done(index, reply.completed() ? Status{} : remove_directory(paths_[index], reply, lookup));
    }
}

/// What could not be deleted as a file. What is shown not to be there counts as removed.
Status Removal::remove_directory(std::string_view path, const Reply& refused, Lookup& lookup) {
    if (tools_.control.call(tools_.control.with_path("RMD", path)).completed() || lookup.is_absent(path)) {
        return {};
    }
    return removal_failure(refused, path);
}

}  // namespace mistamover::ftp
