// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_session.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rsync/rsync_get.hpp"
#include "rsync/rsync_mirror.hpp"
#include "rsync/rsync_put.hpp"
#include "rsync/rsync_remove.hpp"

namespace mistamover::rsync {
namespace {

void ignore_line(std::string_view /*line*/) {}

std::string parent_of(std::string_view path) {
    return std::string(path.substr(0, std::min(path.rfind('/'), path.size())));
}

class Unremarkable final : public RemoveSink {
    void done(std::size_t /*index*/, const Status& /*status*/) noexcept override {}
};

// With the files that its programs need.
Shared& with_files(Shared& shared) {
    shared.make_files();
    return shared;
}

}  // namespace

RsyncSession::RsyncSession(Shared& shared, SessionContext& context)
    : shared_(with_files(shared)),
      runner_(shared, context),
      name_(std::to_string(shared.sessions++)),
      master_(shared.options.transport == Transport::ssh ? shared.ssh_masters.join(shared.options, context)
                                                         : nullptr),
      commands_(shared.options, shared.password_file, master_ ? master_->socket() : "",
                context.stall_timeout_ms()),
      look_(shared, runner_, commands_, master_.get()) {}

RsyncSession::~RsyncSession() {
    if (master_) {
        shared_.ssh_masters.leave(master_);
    }
}

Capabilities RsyncSession::capabilities() {
    Capabilities found = Capability::list | Capability::make_directory | Capability::publish_rename |
                         Capability::set_time | Capability::mirror | Capability::symlinks |
                         Capability::get_many;
    if (can_rename()) {
        found = found | Capability::rename;
    }
    if (can_remove()) {
        found = found | Capability::remove;
    }
    return found;
}

// A login may be confined to rsync, and only GNU's mv and a few others never move into a directory.
bool RsyncSession::can_rename() {
    if (shared_.options.transport == Transport::local) {
        return true;
    }
    if (shared_.options.transport == Transport::daemon) {
        return false;
    }
    if (shared_.can_rename == Shared::Answer::unknown && !std::exchange(asked_whether_it_renames_, true)) {
        const ChildEnd end = runner_.run(commands_.ssh({"mv", "-fT", "--version"}), {}, ignore_line);
        if (end.result.end == ChildResult::End::exited && end.result.code != 255) {
            shared_.can_rename = end.result.code == 0 ? Shared::Answer::yes : Shared::Answer::no;
        }
    }
    return shared_.can_rename == Shared::Answer::yes;
}

// A daemon may refuse to delete, and so may what a login is confined to: whatever it is that is to be
// deleted. Where that does not come out, the first remove will tell: to ask again may take a minute, as where
// the host does not answer.
bool RsyncSession::can_remove() {
    const bool may_be_refused = shared_.options.transport != Transport::local;
    if (may_be_refused && shared_.can_remove == Shared::Answer::unknown &&
        !std::exchange(asked_whether_it_removes_, true)) {
        const ChildEnd end = runner_.run(commands_.remove(shared_.empty_dir), {}, ignore_line);
        if (is_refused_an_option(end)) {
            shared_.can_remove = Shared::Answer::no;
        } else if (end.result.exited_with(0)) {
            shared_.can_remove = Shared::Answer::yes;
        }
    }
    return shared_.can_remove != Shared::Answer::no;
}

Status RsyncSession::check_connection() {
    return master_ ? master_->check() : Status{};
}

// Its parent must be there: a target directory that is not mounted must not be made.
Status RsyncSession::make_temp_dir() {
    const ChildEnd end =
        runner_.run(commands_.make_directory(shared_.options.temp_dir, shared_.empty_dir), {}, ignore_line);
    if (!end.result.exited_with(0)) {
        return runner_.failure(end).of_session();
    }
    shared_.temp_dir_there = true;
    return {};
}

// Sessions that begin at once leave it to one of them.
Status RsyncSession::need_temp_dir() {
    const std::lock_guard lock(shared_.temp_dir_mutex);
    return shared_.temp_dir_there ? Status{} : make_temp_dir();
}

// What the failure of an rsync means that was told to use it: where it has gone, rsync refuses to start, as
// if misused.
Status RsyncSession::without_temp_dir(const Status& failure) {
    shared_.temp_dir_there = false;  // as far as is known
    const bool as_if_misused =
        failure.scope() == StatusScope::stream && failure.protocol_code() == exit_usage;
    if (as_if_misused && !look_.find(shared_.options.temp_dir)) {
        return {StatusCode::unreachable, StatusScope::session,
                "the directory of temporary files has gone from the target", exit_usage};
    }
    return failure;
}

// The target directory takes nothing where it does not take an empty file of our own. An rsync that complains
// may have brought it there: some never end well, for instance where the target keeps no owner.
Status RsyncSession::probe() {
    const std::array<std::string_view, 1> names{shared_.probe};
    const ChildEnd end = runner_.run(commands_.put(shared_.probe_dir, "", names, false), ignore_line);
    if (!end.result.exited_with(0) && !end.result.exited_with(exit_partial)) {
        return runner_.failure(end);
    }
    bool arrived = false;
    bool complete = false;
    const Status looked = look_.named(
        name_list(names), [&](const ListLine& entry) { arrived = arrived || entry.path == shared_.probe; },
        complete);
    if (looked.ok() && !arrived) {
        return {StatusCode::permission, StatusScope::session,
                "the target directory takes nothing: " + reason_in(end.errors), end.result.code};
    }
    Unremarkable unremarkable;
    (void)remove(names, unremarkable);  // which some servers refuse
    return looked;
}

Status RsyncSession::put(const PutRequest& request, PutSink& sink) {
    if (const Status status = check_connection(); !status.ok()) {
        return status;
    }
    const bool uses_temp_dir = request.target_prefix.empty();
    if (!uses_temp_dir && !request.target_prefix.starts_with(shared_.options.temp_dir)) {
        return item_failure(StatusCode::unsupported, request.target_prefix,
                            "is not below the directory of temporary files");
    }
    if (uses_temp_dir) {
        if (const Status status = need_temp_dir(); !status.ok()) {
            return status;
        }
    }
    const Status status =
        PutBatch(runner_, commands_, shared_, request, sink, [this] { return probe(); }).run();
    return status.ok() ? status : without_temp_dir(status);
}

Status RsyncSession::stat(std::span<const std::string_view> paths, StatSink& sink) {
    std::unordered_multimap<std::string_view, std::size_t> waiting;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        waiting.emplace(paths[i], i);
    }
    bool complete = false;
    const Status status = look_.named(
        name_list(paths),
        [&](const ListLine& entry) {
            const auto [first, last] = waiting.equal_range(entry.path);
            for (auto asked = first; asked != last; ++asked) {
                sink.entry(asked->second, {}, entry.info);
            }
            waiting.erase(first, last);
        },
        complete);
    if (!status.ok()) {
        return status;
    }
    for (const auto& [path, index] : waiting) {
        sink.entry(index,
                   complete ? item_failure(StatusCode::not_found, path, "is not there")
                            : item_failure(StatusCode::permission, path, "cannot be looked at"),
                   {});
    }
    return {};
}

Status RsyncSession::get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) {
    return get_one_of_many(path, limit, sink);
}

Status RsyncSession::get_many(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink) {
    if (const Status status = check_connection(); !status.ok()) {
        return status;
    }
    std::vector<std::size_t> missing;
    GetBatch batch(runner_, commands_, shared_.options.work_dir + "/fetched-" + name_);
    const Status status = batch.run(paths, limit, sink, missing);
    return !status.ok() || missing.empty() ? status : tell_missing(paths, missing, sink);
}

Status RsyncSession::tell_missing(std::span<const std::string_view> paths,
                                  const std::vector<std::size_t>& missing, GetSink& sink) {
    std::vector<std::string_view> names;
    names.reserve(missing.size());
    for (const std::size_t index : missing) {
        names.push_back(paths[index]);
    }
    std::set<std::string, std::less<>> there;
    bool complete = false;
    const Status status = look_.named(
        name_list(names), [&](const ListLine& entry) { there.insert(entry.path); }, complete);
    if (!status.ok()) {
        return status;
    }
    for (const std::size_t index : missing) {
        if (there.contains(paths[index])) {
            sink.got(index, item_failure(StatusCode::unsupported, paths[index], "is too long, or not a file"),
                     {});
        } else if (complete) {
            sink.got(index, item_failure(StatusCode::not_found, paths[index], "is not there"), {});
        } else {
            sink.got(index, item_failure(StatusCode::permission, paths[index], "cannot be looked at"), {});
        }
    }
    return {};
}

Status RsyncSession::list(std::string_view path, ListSink& sink) {
    const std::string below = path.empty() ? "" : std::string(path) + '/';
    bool is_directory = false;
    bool complete = false;
    const Status status = look_.named(
        std::string("./") + below + '\0',
        [&](const ListLine& entry) {
            if (entry.path == path || entry.path == ".") {
                is_directory = entry.info.kind == EntryKind::directory;
            } else if (entry.path.starts_with(below)) {
                sink.entry(std::string_view(entry.path).substr(below.size()), entry.info);
            }
        },
        complete);
    if (!status.ok() || (is_directory && complete)) {
        return status;
    }
    return complete ? item_failure(StatusCode::not_found, path, "is not a directory")
                    : item_failure(StatusCode::permission, path, "cannot be listed");
}

Status RsyncSession::remove(std::span<const std::string_view> paths, RemoveSink& sink) {
    if (const Status status = check_connection(); !status.ok()) {
        return status;
    }
    const auto is_temp_dir = [&](std::string_view path) { return path == shared_.options.temp_dir; };
    if (std::any_of(paths.begin(), paths.end(), is_temp_dir)) {
        shared_.temp_dir_there = false;
    }
    return RemoveRun(runner_, commands_, shared_, look_, shared_.options.work_dir + "/removed-from-" + name_,
                     paths, sink)
        .run();
}

Status RsyncSession::rename(std::string_view from, std::string_view to) {
    if (const Status status = check_connection(); !status.ok()) {
        return status;
    }
    return shared_.options.transport == Transport::local ? rename_here(from, to) : rename_by_ssh(from, to);
}

// No shell sees the names: they go over standard input to xargs, which hands them to mv.
Status RsyncSession::rename_by_ssh(std::string_view from, std::string_view to) {
    std::string names = commands_.target_path(from);
    names += '\0';
    names += commands_.target_path(to);
    names += '\0';
    const ChildEnd end =
        runner_.run(commands_.ssh({"xargs", "-0", "-n", "2", "mv", "-fT", "--"}), names, ignore_line);
    if (end.result.exited_with(0)) {
        return {};
    }
    if (end.result.end == ChildResult::End::exited && end.result.code != 255) {
        return not_renamed(from, to, reason_in(end.errors));
    }
    return runner_.failure(end);
}

Status RsyncSession::rename_here(std::string_view from, std::string_view to) {
    const std::string source = commands_.target_path(from);
    const std::string target = commands_.target_path(to);
    if (::rename(source.c_str(), target.c_str()) == 0) {
        return {};
    }
    return not_renamed(from, to, std::generic_category().message(errno));
}

Status RsyncSession::not_renamed(std::string_view from, std::string_view to, const std::string& reason) {
    const std::string what = "rename to " + std::string(to) + ": " + reason;
    if (look_.find(to)) {
        return {StatusCode::exists, StatusScope::item, what};
    }
    return {look_.find(from) ? StatusCode::permission : StatusCode::not_found, StatusScope::item, what};
}

Status RsyncSession::make_directory(std::string_view path) {
    if (path == shared_.options.temp_dir) {
        return shared_.temp_dir_there ? item_failure(StatusCode::exists, path, "is there already")
                                      : need_temp_dir();
    }
    if (look_.find(path)) {
        return item_failure(StatusCode::exists, path, "is there already");
    }
    const ChildEnd end = runner_.run(commands_.make_directory(path, shared_.empty_dir), {}, ignore_line);
    if (end.result.exited_with(0)) {
        return {};
    }
    const Status status = runner_.failure(end);
    const std::string parent = parent_of(path);
    if (status.code() != StatusCode::unreachable || parent.empty() || look_.find(parent)) {
        return status;
    }
    if ((parent + '/').starts_with(shared_.options.temp_dir + '/')) {
        shared_.temp_dir_there = false;  // as far as is known
    }
    return item_failure(StatusCode::not_found, path, "has no directory to lie in");
}

Status RsyncSession::mirror(const MirrorRequest& request, MirrorSink& sink) {
    if (const Status status = check_connection(); !status.ok()) {
        return status;
    }
    if (const Status status = need_temp_dir(); !status.ok()) {
        return status;
    }
    const Status status = MirrorRun(runner_, commands_, shared_.options.temp_dir, request, sink).run();
    return status.ok() ? status : without_temp_dir(status);
}

}  // namespace mistamover::rsync
