// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_get.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <system_error>
#include <unordered_set>

#include "rsync/complaints.hpp"
#include "rsync/own_files.hpp"

namespace mistamover::rsync {
namespace {

// Under which it comes to lie in the local directory.
std::string_view local_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

Status GetBatch::run(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink,
                     std::vector<std::size_t>& missing) {
    std::vector<std::size_t> open(paths.size());
    std::iota(open.begin(), open.end(), std::size_t{0});
    while (!open.empty()) {
        // Of paths that end alike one goes with each run.
        std::unordered_set<std::string_view> local_names;
        std::vector<std::string_view> names;
        std::vector<std::size_t> indices;
        std::vector<std::size_t> later;
        for (const std::size_t index : open) {
            if (local_names.insert(local_name(paths[index])).second) {
                names.push_back(paths[index]);
                indices.push_back(index);
            } else {
                later.push_back(index);
            }
        }
        const Status status = fetch(names, limit);
        for (std::size_t i = 0; status.ok() && i < names.size(); ++i) {
            if (const auto content = read_own_file(directory_ / local_name(names[i]))) {
                sink.got(indices[i], {}, *content);
            } else {
                missing.push_back(indices[i]);
            }
        }
        std::error_code ignored;  // what stays is removed before the next run
        std::filesystem::remove_all(directory_, ignored);
        if (!status.ok()) {
            return status;
        }
        open = std::move(later);
    }
    return {};
}

Status GetBatch::fetch(std::span<const std::string_view> paths, std::uint64_t limit) {
    make_empty_directory(directory_);
    std::vector<std::string> names;
    names.reserve(paths.size());
    std::transform(paths.begin(), paths.end(), std::back_inserter(names),
                   [this](std::string_view path) { return commands_.fetch_name(path); });
    const std::vector<std::string_view> views(names.begin(), names.end());
    const ChildEnd end = runner_.run(commands_.fetch(limit, directory_.string()), name_list(views),
                                     [](std::string_view /*line*/) {});
    if (const Status failure = failure_here(end); !failure.ok()) {
        return failure;
    }
    const bool ran = end.result.exited_with(0) || end.result.exited_with(exit_partial) ||
                     end.result.exited_with(exit_vanished);
    return ran ? Status{} : runner_.failure(end);
}

// rsync takes it for a file's own failure, and goes on to the next.
Status GetBatch::failure_here(const ChildEnd& end) const {
    for (const std::string_view line : lines_in(end.errors)) {
        const Complaint complaint(line);
        if (complaint.number != 0 && complaint.text.find(directory_.string()) != std::string::npos) {
            const Status failure = status_from_errno(
                complaint.number, "keep on this machine what was fetched (" + complaint.text + ')');
            return failure.of_session();
        }
    }
    return {};
}

}  // namespace mistamover::rsync
