// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_put.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

#include "rsync/rsync_output.hpp"

namespace mistamover::rsync {
namespace {

std::uint64_t content_of(const PutItem& item) {
    return item.kind == EntryKind::file ? item.size : 0;
}

}  // namespace

PutBatch::PutBatch(Runner& runner, const CommandBuilder& commands, Shared& shared, const PutRequest& request,
                   PutSink& sink, std::function<Status()> probe)
    : runner_(runner),
      commands_(commands),
      shared_(shared),
      request_(request),
      sink_(sink),
      probe_(std::move(probe)),
      root_(request.source_root) {
    names_.reserve(request.items.size());
    fates_.resize(request.items.size(), Fate::untold);
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        const PutItem& item = request.items[i];
        names_.push_back(item.path);
        index_of_.emplace(item.path, i);
        bytes_ += content_of(item);
    }
}

Status PutBatch::run() {
    const ChildEnd end = send();
    const bool partial = end.result.exited_with(exit_partial) || end.result.exited_with(exit_vanished);
    if (partial) {
        return reconcile(end);
    }
    if (!end.result.exited_with(0)) {
        return runner_.failure(end);
    }
    for (std::size_t i = 0; i < fates_.size(); ++i) {
        report(i, {StatusCode::unsupported, StatusScope::item,
                   "rsync did not send " + std::string(request_.items[i].path)});
    }
    return {};
}

// A login that may remove nothing is refused the option before anything is sent.
ChildEnd PutBatch::send() {
    const bool paced = shared_.paces;
    ChildEnd end =
        runner_.run_transfer(commands_.put(request_.source_root, request_.target_prefix, names_, paced),
                             bytes_, [this](std::string_view line) { note_line(line); });
    const bool ran = end.result.exited_with(0) || end.result.exited_with(exit_partial) ||
                     end.result.exited_with(exit_vanished);
    if (paced && !ran && end.errors.find("remove-source-files") != std::string::npos) {
        shared_.paces = false;
        return send();
    }
    return end;
}

void PutBatch::note_line(std::string_view line) {
    const auto told = parse_item_line(line);
    const auto found = told ? index_of_.find(told->path) : index_of_.end();
    if (found == index_of_.end()) {
        return;
    }
    const bool is_file = request_.items[found->second].kind == EntryKind::file;
    switch (told->what) {
        case ItemLine::What::sent:
        case ItemLine::What::created:
            fates_[found->second] = Fate::delivered;
            break;
        case ItemLine::What::unchanged:
            // A file that was compared by anything less than its checksum is none that was delivered.
            fates_[found->second] = is_file && !shared_.options.checksum ? Fate::refused : Fate::delivered;
            break;
        case ItemLine::What::removed:
            break;
    }
}

Status PutBatch::reconcile(const ChildEnd& end) {
    const Complaints complaints(end.errors, shared_.options.temp_dir);
    if (const Status status = complaints.of_session(); !status.ok()) {
        return status;
    }
    std::vector<std::size_t> told_as_sent;
    std::vector<std::size_t> refused;
    for (std::size_t i = 0; i < fates_.size(); ++i) {
        if (fates_[i] == Fate::delivered) {
            fates_[i] = Fate::in_doubt;
            told_as_sent.push_back(i);
        } else {
            refused.push_back(i);
        }
    }
    const Status status = report_each(refused, complaints);
    return !status.ok() || told_as_sent.empty() ? status : compare(complaints, told_as_sent);
}

Status PutBatch::compare(const Complaints& complaints, const std::vector<std::size_t>& indices) {
    std::vector<std::string_view> names;
    names.reserve(indices.size());
    std::uint64_t bytes = 0;
    for (const std::size_t index : indices) {
        names.push_back(names_[index]);
        bytes += content_of(request_.items[index]);
    }
    const ChildEnd compared =
        runner_.run_comparison(commands_.compare(request_.source_root, request_.target_prefix, names), bytes,
                               [this](std::string_view line) {
                                   const auto told = parse_item_line(line);
                                   const auto found = told ? index_of_.find(told->path) : index_of_.end();
                                   if (found != index_of_.end() && told->what == ItemLine::What::unchanged) {
                                       fates_[found->second] = Fate::delivered;
                                   }
                               });
    const bool is_answer = compared.result.exited_with(0) || compared.result.exited_with(exit_partial) ||
                           compared.result.exited_with(exit_vanished);
    if (!is_answer) {
        return runner_.failure(compared);
    }
    return report_each(indices, complaints);
}

Status PutBatch::report_each(const std::vector<std::size_t>& indices, const Complaints& complaints) {
    const bool all_are_delivered = std::all_of(indices.begin(), indices.end(), [this](std::size_t index) {
        return fates_[index] == Fate::delivered;
    });
    if (!all_are_delivered && complaints.deny_access() && request_.target_prefix.empty()) {
        if (const Status status = probe_(); !status.ok()) {
            return status;
        }
    }
    for (const std::size_t index : indices) {
        const bool delivered = fates_[index] == Fate::delivered;
        report(index, delivered ? Status{} : complaints.of_item(names_[index]));
    }
    return {};
}

void PutBatch::report(std::size_t index, const Status& failure) {
    const PutItem& item = request_.items[index];
    PutReport report;
    Status status;
    if (!source_is_unchanged(item)) {
        status = source_changed(item.path);
    } else if (fates_[index] != Fate::delivered) {
        status = failure;
    } else {
        report.bytes_sent = content_of(item);
    }
    if (fates_[index] == Fate::in_doubt) {
        status.with_outcome_unknown();
    }
    sink_.done(index, status, report);
}

bool PutBatch::source_is_unchanged(const PutItem& item) const {
    struct stat now = {};
    if (::fstatat(root_.descriptor(), std::string(item.path).c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        now.st_dev != item.device || now.st_ino != item.inode) {
        return false;
    }
    constexpr std::int64_t nanoseconds_in_second = 1'000'000'000;
    return item.kind != EntryKind::file ||
           (S_ISREG(now.st_mode) && static_cast<std::uint64_t>(now.st_size) == item.size &&
            now.st_mtim.tv_sec * nanoseconds_in_second + now.st_mtim.tv_nsec == item.mtime_ns);
}

}  // namespace mistamover::rsync
