// SPDX-License-Identifier: BSD-3-Clause
#include "stream/mirror_pass.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <poll.h>
#include <system_error>
#include <unordered_set>

#include "stream/readiness.hpp"
#include "stream/session_context.hpp"
#include "stream/target_tree.hpp"

namespace mistamover::stream {
namespace {

constexpr std::size_t batch_entries = 2500;
/// A module may compare each file with every name that a native mirror is to leave out. So many are not being
/// written: on a remote file system each file is seen once before it counts as complete.
constexpr std::size_t most_excluded = 1000;
/// For that. What takes longer to settle must not hold up the rest.
constexpr std::int64_t most_wait_ms = 10'000;

std::string top_of(const std::string& path) {
    return path.substr(0, path.find('/'));
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

// Takes out of what has vanished, contents before directories, all that lay beside one of the entries, with
// what was in it: the target may take any of that for the entry.
std::vector<std::string> take_neighbours(std::vector<std::string>& vanished,
                                         const std::vector<const ManifestEntry*>& entries) {
    std::unordered_set<std::string> directories;
    for (const ManifestEntry* entry : entries) {
        directories.insert(parent_of(entry->path));
    }
    const auto is_taken = [&](const std::string& path) { return directories.contains(parent_of(path)); };
    std::for_each(vanished.rbegin(), vanished.rend(), [&](const std::string& path) {
        if (is_taken(path)) {
            directories.insert(path);
        }
    });
    const auto rest = std::stable_partition(vanished.begin(), vanished.end(), is_taken);
    std::vector<std::string> taken(std::make_move_iterator(vanished.begin()), std::make_move_iterator(rest));
    vanished.erase(vanished.begin(), rest);
    return taken;
}

class NativeMirrorSink final : public MirrorSink {
  public:
    explicit NativeMirrorSink(MirrorResult& result) : result_(result) {}
    void sent(std::string_view path, std::uint64_t bytes) noexcept override {
        ++result_.sent;
        result_.bytes += bytes;
        act("sent ", path);
    }
    void removed(std::string_view path) noexcept override {
        ++result_.removed;
        act("removed ", path);
    }
    void failed(std::string_view, const Status& status) noexcept override {
        if (result_.item.ok()) {
            result_.item = status;
        }
    }

  private:
    void act(const char* what, std::string_view path) noexcept {
        try {
            result_.actions.push_back(what + std::string(path));
        } catch (...) {
            return;  // a line less in the log
        }
    }

    MirrorResult& result_;
};

}  // namespace

MirrorPass::MirrorPass(const SourceDirectory& source, SourceMark& mark, Settling& settling,
                       const config::OutgoingSettings& settings, border::Session& session, NameGuard* names,
                       const CancelToken& cancel)
    : source_(source),
      mark_(mark),
      settling_(settling),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      names_(names),
      cancel_(cancel),
      prover_(session, settings, source.fd(), cancel) {}

MirrorResult MirrorPass::run() {
    result_ = {};
    proved_.clear();
    source_.check_still_there();
    const bool natively =
        capabilities_.has(Capability::mirror) && settings_.verify != config::Verify::checksum;
    MirrorSource source = look_at_source();
    if (natively && source.unsettled.size() > most_excluded && wait_until_settled()) {
        result_ = {};
        source = look_at_source();
    }
    if (may_be_unmounted(source)) {
        return std::move(result_);
    }
    if (natively) {
        run_natively(source);
    } else {
        run_step_by_step(source);
    }
    return std::move(result_);
}

void MirrorPass::note(const Status& status) {
    if (status.beyond_item()) {
        result_.session = status;
    } else if (!status.ok() && result_.item.ok()) {
        result_.item = status;
    }
}

MirrorSource MirrorPass::look_at_source() {
    MirrorSource source;
    leave_out_missing_mounts(source);
    // A look may take long, and what changes meanwhile would pass for older than it is.
    const auto begun = Settling::Clock::now();
    settling_.note_clocks(std::chrono::system_clock::now(), begun);
    for (const Candidate& unit : source_.scan()) {
        if (source.unknown.contains(unit.name)) {
            continue;
        }
        try {
            look_at_unit(unit.name, source);
        } catch (const std::system_error& error) {
            // What is in it cannot be told now: at the target it stays as it is.
            source.unknown.insert(unit.name);
            if (error.code().value() == ENOENT) {
                result_.unsettled.push_back(unit.name);
            } else {
                note(status_from_errno(error.code().value(), error.what()));
            }
        }
    }
    leave_out_missing_mounts(source);  // one may have been unmounted meanwhile
    return source;
}

void MirrorPass::look_at_unit(const std::string& name, MirrorSource& source) {
    const Look look = look_at(source_.fd(), name);
    const auto now = std::chrono::system_clock::now();
    for (std::size_t i = 0; i < look.manifest.entries.size(); ++i) {
        const ManifestEntry& entry = look.manifest.entries[i];
        const Writers writers = look.writers_of_entry[i];
        if (entry.identity.kind == EntryKind::file) {
            const auto left = settle_time_left_of_entry(settings_, look, i, now, settling_);
            if (writers == Writers::some || writers == Writers::vanished || left.count() > 0) {
                source.unsettled.insert(entry.path);
                result_.unsettled.push_back(entry.path);
                result_.settle_ms = std::max<std::int64_t>(result_.settle_ms, left.count());
            }
        }
        source.entries.push_back(entry);
    }
}

// False where it was given up.
bool MirrorPass::wait_until_settled() const {
    pollfd cancelled{cancel_.fd(), POLLIN, 0};
    ::poll(&cancelled, 1, static_cast<int>(std::min(result_.settle_ms, most_wait_ms)));
    return !cancel_.cancelled();
}

// Of a unit with a mount point in it whose disk is not there nothing can be told.
void MirrorPass::leave_out_missing_mounts(MirrorSource& source) {
    for (const std::string& missing : mark_.missing_below()) {
        const std::string unit = top_of(missing);
        if (source_.is_unit(unit) && source.unknown.insert(unit).second) {
            note({StatusCode::local_io, StatusScope::item,
                  unit + " is left as it is at the target: by /etc/fstab something belongs on " +
                      (source_.path() / missing).string() + ", where nothing is mounted"});
        }
    }
    std::erase_if(source.entries,
                  [&](const ManifestEntry& entry) { return source.unknown.contains(top_of(entry.path)); });
}

// An empty mount point, or one with what somebody has written into it meanwhile, would have all removed at
// the target.
bool MirrorPass::may_be_unmounted(const MirrorSource& source) {
    const bool is_empty = source.entries.empty();
    const std::string before = mark_.moved_from();
    if (!before.empty() && (is_empty || would_remove_most(source))) {
        note({StatusCode::configuration, StatusScope::item,
              "the stream's directory lies elsewhere than when it last had something in it (" + before +
                  "), and " + (is_empty ? "is empty" : "most of what the target has is not in it") +
                  ": nothing is deleted at the target, or sent; mount it again, or, if this is meant, "
                  "delete " +
                  mark_.path().string()});
        return true;
    }
    if (!is_empty) {
        mark_.note();
    }
    return false;
}

// True, too, where that cannot be told.
bool MirrorPass::would_remove_most(const MirrorSource& source) {
    if (!settings_.mirror_delete) {
        return false;
    }
    std::vector<TargetEntry> target;
    if (!capabilities_.has(Capability::list) || !list_target(source, target)) {
        return true;
    }
    const MirrorDifference difference = difference_of(source, target);
    return 2 * (difference.vanished.size() + difference.replace.size()) > target.size();
}

void MirrorPass::run_natively(const MirrorSource& source) {
    std::vector<std::string> excluded(source.unsettled.begin(), source.unsettled.end());
    excluded.insert(excluded.end(), source.unknown.begin(), source.unknown.end());
    if (!source_.quarantine_name().empty()) {
        excluded.push_back(source_.quarantine_name());
    }
    const std::vector<std::string_view> excluded_views(excluded.begin(), excluded.end());
    const std::vector<std::string_view> excluded_globs(settings_.exclude.begin(), settings_.exclude.end());
    const std::vector<std::string_view> included_globs(settings_.include.begin(), settings_.include.end());
    MirrorRequest request;
    request.source_root = source_.path().native();
    request.excluded = excluded_views;
    request.remove_vanished = settings_.mirror_delete;
    request.max_remove = settings_.max_delete.value_or(UINT64_MAX);
    request.excluded_globs = excluded_globs;
    request.included_globs = included_globs;
    NativeMirrorSink sink(result_);
    const auto mirror = [&] {
        source_.check_still_there();  // from here on it is only a path
        const Status status = session_.call_mirror(request, sink);
        if (status.code() == StatusCode::source_changed) {
            result_.unsettled.emplace_back(status.text());
        } else {
            note(status);
        }
    };
    mirror();
    // What removes last and by exact names, as rsync does, may have removed what it had just sent.
    if (names_ != nullptr && result_.session.ok() && result_.removed > 0) {
        request.remove_vanished = false;
        mirror();
    }
}

// Of what the source has a say in. False where the session has failed: without the list of the target nothing
// can be said of any entry.
bool MirrorPass::list_target(const MirrorSource& source, std::vector<TargetEntry>& target) {
    const auto concerned = [&](const std::string& path) {
        const std::string top = top_of(path);
        return source_.is_unit(top) && !source.unknown.contains(top);
    };
    result_.session = list_tree(session_, "", concerned, target).of_session();
    return result_.session.ok();
}

MirrorDifference MirrorPass::difference_of(const MirrorSource& source,
                                           const std::vector<TargetEntry>& target) const {
    return mirror_difference(source, target, capabilities_.has(Capability::set_time));
}

void MirrorPass::run_step_by_step(const MirrorSource& source) {
    std::vector<TargetEntry> target;
    if (!list_target(source, target)) {
        return;
    }
    MirrorDifference difference = difference_of(source, target);
    const bool removing = removal_allowed(difference);
    if (removing) {
        remove(difference.replace);
    }
    if (names_ != nullptr && result_.session.ok()) {
        keep_names_apart(difference, removing);
    }
    if (result_.session.ok()) {
        send(difference.send);
    }
    if (names_ != nullptr && result_.session.ok()) {
        prove_names();
    }
    if (removing && result_.session.ok()) {
        remove(difference.vanished);
    }
}

// A put would replace what the target spells otherwise, and the removal of what has vanished would then
// remove what was put. So where such names meet, what has vanished there goes first, and what has come in its
// place is sent next: the target is not long without both. What still meets another name is not sent.
void MirrorPass::keep_names_apart(MirrorDifference& difference, bool removing) {
    Entries met = take_met(difference.send);
    if (removing && !met.empty()) {
        remove(take_neighbours(difference.vanished, met));
        Entries freed = std::move(met);
        met = take_met(freed);
        difference.send.insert(difference.send.begin(), freed.begin(), freed.end());
    }
    for (const ManifestEntry* entry : met) {
        note(taken_for_one(entry->path));
    }
}

// Takes out the entries whose names lead to something that the target spells otherwise, and what is in them.
MirrorPass::Entries MirrorPass::take_met(Entries& entries) {
    if (entries.empty()) {
        return {};
    }
    std::vector<std::string> paths;
    std::transform(entries.begin(), entries.end(), std::back_inserter(paths),
                   [](const ManifestEntry* entry) { return entry->path; });
    std::vector<bool> others;
    if (const Status status = names_->find_others(paths, others).of_session(); !status.ok()) {
        note(status);
        return {};
    }
    std::unordered_set<std::string> met;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (others[i] || met.contains(parent_of(paths[i]))) {
            met.insert(paths[i]);
        }
    }
    const auto rest = std::stable_partition(entries.begin(), entries.end(), [&](const ManifestEntry* entry) {
        return met.contains(entry->path);
    });
    Entries taken(entries.begin(), rest);
    entries.erase(entries.begin(), rest);
    return taken;
}

// Of two names that the target takes for one, it has neither's content for certain.
void MirrorPass::prove_names() {
    std::vector<bool> missing;
    const Status status = names_->find_missing(proved_, missing).of_session();
    note(status);
    for (std::size_t i = 0; status.ok() && i < proved_.size(); ++i) {
        if (missing[i]) {
            note(taken_for_one(proved_[i]));
        }
    }
}

bool MirrorPass::removal_allowed(const MirrorDifference& difference) {
    if (!settings_.mirror_delete) {
        return false;
    }
    const std::size_t count = difference.replace.size() + difference.vanished.size();
    if (settings_.max_delete && count > *settings_.max_delete) {
        note({StatusCode::configuration, StatusScope::item,
              std::to_string(count) +
                  " entries at the target are no longer in the source, and max_delete is " +
                  std::to_string(*settings_.max_delete) +
                  ": none is deleted (raise outgoing.max_delete if this is meant)"});
        return false;
    }
    return true;
}

void MirrorPass::send(const Entries& entries) {
    for (std::size_t from = 0; from < entries.size() && result_.session.ok(); from += batch_entries) {
        const std::size_t count = std::min(batch_entries, entries.size() - from);
        send_batch({entries.data() + from, count});
    }
}

void MirrorPass::send_batch(std::span<const ManifestEntry* const> entries) {
    std::vector<PutItem> items;
    items.reserve(entries.size());
    for (const ManifestEntry* entry : entries) {
        items.push_back(put_item(*entry));
    }
    PutRequest request;
    request.source_root = source_.path().native();
    request.items = items;
    request.publish = settings_.publish;
    PutCollector collector(items.size());
    const Status overall = put_each(session_, request, collector);
    std::vector<const ManifestEntry*> sent;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Status status = collector.status_of(i, overall);
        if (status.ok()) {
            sent.push_back(entries[i]);
        } else if (status.code() == StatusCode::source_changed) {
            result_.unsettled.push_back(entries[i]->path);
        } else {
            note(status);
        }
    }
    std::vector<Status> proofs;
    if (sent.empty() || !result_.session.ok()) {
        return;
    }
    note(prover_.prove(sent, "", settings_.verify, proofs));
    for (std::size_t i = 0; i < proofs.size(); ++i) {
        note(proofs[i]);
        if (proofs[i].ok()) {
            ++result_.sent;
            result_.bytes += sent[i]->identity.size;
            result_.actions.push_back("sent " + sent[i]->path);
            if (names_ != nullptr) {
                proved_.push_back(sent[i]->path);
            }
        }
    }
}

void MirrorPass::remove(const std::vector<std::string>& paths) {
    if (paths.empty()) {
        return;
    }
    source_.check_still_there();  // else what is missing may not be
    const Status status = remove_all(session_, paths);
    note(status);
    if (status.ok()) {
        result_.removed += paths.size();
        for (const std::string& path : paths) {
            result_.actions.push_back("removed " + path);
        }
    }
}

}  // namespace mistamover::stream
