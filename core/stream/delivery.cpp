// SPDX-License-Identifier: BSD-3-Clause
#include "stream/delivery.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace mistamover::stream {
namespace {

/// Where no lease tells whether somebody writes (SPEC section 4).
constexpr std::chrono::milliseconds unwatchable_settle_time{5000};
/// A directory is complete when nothing in it has changed for this long: no event tells that its producer has
/// ended.
constexpr std::chrono::milliseconds directory_quiet_time{2000};

struct Collected {
    Status status;
    PutReport report;
    bool reported = false;
};

class PutCollector final : public PutSink {
  public:
    explicit PutCollector(std::size_t count) : ends(count) {}
    void done(std::size_t index, const Status& status, const PutReport& report) noexcept override {
        if (index < ends.size()) {
            ends[index] = {status, report, true};
        }
    }
    std::vector<Collected> ends;
};

struct Seen {
    std::optional<Status> status;
    EntryInfo info;
};

class StatCollector final : public StatSink {
  public:
    explicit StatCollector(std::size_t count) : seen(count) {}
    void entry(std::size_t index, const Status& status, const EntryInfo& info) noexcept override {
        if (index < seen.size()) {
            seen[index] = {status, info};
        }
    }
    std::vector<Seen> seen;
};

class NameCollector final : public ListSink {
  public:
    void entry(std::string_view name, const EntryInfo& info) noexcept override {
        try {
            entries.emplace_back(std::string(name), info.kind);
        } catch (...) {
            return;  // what is not listed is not removed
        }
    }
    std::vector<std::pair<std::string, EntryKind>> entries;
};

class RemoveIgnorer final : public RemoveSink {
  public:
    void done(std::size_t, const Status& status) noexcept override {
        if (!status.ok()) {
            worst = status;
        }
    }
    Status worst;
};

bool beyond_item(const Status& status) {
    return !status.ok() && status.scope() != StatusScope::item;
}

PutItem put_item(std::string_view path, const Identity& identity) {
    PutItem item;
    item.path = path;
    item.size = identity.size;
    item.mtime_ns = identity.mtime_ns;
    item.device = identity.device;
    item.inode = identity.inode;
    item.mode = identity.mode;
    item.kind = identity.kind;
    return item;
}

// Why what lies at the target is not a proof that the entry arrived; ok where it is.
Status proof(const Seen& seen, const ManifestEntry& entry) {
    const std::string name = entry.path;
    if (!seen.status) {
        return {StatusCode::internal, StatusScope::item, "the target did not say whether it has " + name};
    }
    if (!seen.status->ok()) {
        return *seen.status;
    }
    if (seen.info.kind != entry.identity.kind) {
        return {StatusCode::corrupt, StatusScope::item, name + " is of another kind at the target"};
    }
    if (entry.identity.kind == EntryKind::file && seen.info.size != entry.identity.size) {
        return {StatusCode::corrupt, StatusScope::item,
                name + " has " + std::to_string(seen.info.size) + " bytes at the target instead of " +
                    std::to_string(entry.identity.size)};
    }
    return {};
}

}  // namespace

struct Delivery::Item {
    UnitResult* result = nullptr;
    Manifest manifest;
    bool sent = false;
    bool proved = false;
    bool taken = false;
    [[nodiscard]] bool is_tree() const {
        return manifest.entries.front().identity.kind == EntryKind::directory;
    }
    void fail(const Status& status) {
        sent = false;
        proved = false;
        result->outcome = status.code() == StatusCode::source_changed ? Outcome::changed : Outcome::failed;
        result->status = status;
    }
};

Delivery::Delivery(SourceDirectory& source, const config::StreamSettings& settings, border::Session& session,
                   std::string temp_dir)
    : source_(source),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      temp_dir_(std::move(temp_dir)) {}

BatchResult Delivery::deliver(const std::vector<Candidate>& batch) {
    BatchResult result;
    result.units.resize(batch.size());
    std::vector<Item> items(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        result.units[i].name = batch[i].name;
        items[i].result = &result.units[i];
    }
    result.session = look_for_stop_file(result.target_suspended);
    if (result.target_suspended || !result.session.ok()) {
        return result;
    }
    look_at_sources(items);
    result.session = send_files(items);
    if (result.session.ok()) {
        result.session = prove_files(items);
    }
    if (result.session.ok()) {
        result.session = send_trees(items);
    }
    remove_sources(items);
    return result;
}

Status Delivery::look_for_stop_file(bool& there) {
    const std::string_view name = settings_.outgoing.stop_file;
    StatCollector collector(1);
    const Status status = session_.call_stat({&name, 1}, collector);
    if (!status.ok()) {
        return status;
    }
    const Seen& seen = collector.seen.front();
    if (seen.status && seen.status->ok()) {
        there = true;
    } else if (!seen.status || seen.status->code() != StatusCode::not_found) {
        return {StatusCode::unreachable, StatusScope::session,
                "it cannot be told whether the target has a stop file"};
    }
    return {};
}

void Delivery::look_at_sources(std::vector<Item>& items) {
    for (Item& item : items) {
        UnitResult& result = *item.result;
        try {
            const Look look = look_at(source_.fd(), result.name);
            item.manifest = look.manifest;
            result.bytes = item.manifest.bytes;
            if (look.writers == Writers::some) {
                result.outcome = Outcome::being_written;
            } else if (look.writers == Writers::vanished) {
                result.outcome = Outcome::changed;
            } else if (result.settle_ms = settle_ms_left(look); result.settle_ms > 0) {
                result.outcome = Outcome::settling;
            }
        } catch (const std::system_error& error) {
            item.manifest.entries.assign(1, {result.name, {}});
            result.outcome = error.code().value() == ENOENT ? Outcome::vanished : Outcome::failed;
            result.status = status_from_errno(error.code().value(), error.what());
        }
        const EntryKind kind = item.manifest.entries.front().identity.kind;
        if (result.outcome == Outcome::not_tried && kind == EntryKind::other) {
            item.fail({StatusCode::unsupported, StatusScope::item,
                       result.name + " is neither a file, a directory nor a link"});
        }
    }
}

std::int64_t Delivery::settle_ms_left(const Look& look) const {
    std::chrono::milliseconds needed = settings_.outgoing.settle_time.value_or(
        look.writers == Writers::cannot_tell ? unwatchable_settle_time : std::chrono::milliseconds{0});
    if (look.manifest.entries.front().identity.kind == EntryKind::directory) {
        needed = std::max(needed, directory_quiet_time);
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(
        now - std::chrono::nanoseconds{look.newest_change_ns});
    return needed.count() == 0 ? 0 : (needed - quiet).count();
}

Status Delivery::send_files(std::vector<Item>& items) {
    std::vector<PutItem> puts;
    std::vector<Item*> owners;
    for (Item& item : items) {
        if (item.result->outcome == Outcome::not_tried && !item.is_tree()) {
            puts.push_back(put_item(item.result->name, item.manifest.entries.front().identity));
            owners.push_back(&item);
        }
    }
    if (puts.empty()) {
        return {};
    }
    PutRequest request;
    request.source_root = source_.path().native();
    request.items = puts;
    request.publish = settings_.outgoing.publish;
    request.may_take_source = settings_.outgoing.mode == TransferMode::move;
    PutCollector collector(puts.size());
    const Status status = session_.call_put(request, collector);
    Status worst = status;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const Collected& end = collector.ends[i];
        owners[i]->sent = end.reported && end.status.ok();
        owners[i]->taken = owners[i]->sent && end.report.source_taken;
        if (end.reported && beyond_item(end.status)) {
            worst = end.status;
        } else if (end.reported && !end.status.ok()) {
            owners[i]->fail(end.status);
        } else if (!end.reported && status.ok()) {
            owners[i]->fail(
                {StatusCode::internal, StatusScope::item, "the module did not say what became of it"});
        }
    }
    // Those that were sent before the session failed are proved when they are sent again.
    return worst;
}

Status Delivery::prove_files(std::vector<Item>& items) {
    std::vector<std::string_view> names;
    std::vector<Item*> owners;
    for (Item& item : items) {
        if (item.sent) {
            names.emplace_back(item.result->name);
            owners.push_back(&item);
        }
    }
    if (names.empty()) {
        return {};
    }
    StatCollector collector(names.size());
    const Status status = session_.call_stat(names, collector);
    if (!status.ok()) {
        return status;
    }
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const Status proved = proof(collector.seen[i], owners[i]->manifest.entries.front());
        owners[i]->proved = proved.ok();
        if (beyond_item(proved)) {
            return proved;
        }
        if (!proved.ok()) {
            owners[i]->fail(proved);
        }
    }
    return {};
}

Status Delivery::send_trees(std::vector<Item>& items) {
    for (Item& item : items) {
        if (item.result->outcome != Outcome::not_tried || !item.is_tree()) {
            continue;
        }
        const auto limit = settings_.outgoing.dir_size_limit;
        if (limit && item.manifest.bytes > limit->bytes) {
            item.fail({StatusCode::unsupported, StatusScope::item,
                       item.result->name +
                           " is over dir_size_limit: " + format_size(ByteCount{item.manifest.bytes})});
            continue;
        }
        const Status status = send_tree(item);
        if (beyond_item(status)) {
            return status;
        }
        if (!status.ok()) {
            item.fail(status);
        }
    }
    return {};
}

Status Delivery::make_temp_dir() {
    const Status status = session_.call_make_directory(temp_dir_);
    return status.code() == StatusCode::exists ? Status{} : status;
}

Status Delivery::send_tree(Item& item) {
    const std::string& name = item.result->name;
    StatCollector there(1);
    const std::string_view view = name;
    if (const Status status = session_.call_stat({&view, 1}, there); !status.ok()) {
        return status;
    }
    const bool exists = there.seen.front().status && there.seen.front().status->ok();
    const bool can_rename =
        capabilities_.has(Capability::rename) && capabilities_.has(Capability::make_directory);
    if (exists || settings_.outgoing.publish == Publish::direct) {
        // A directory of that name is added to, file by file.
        return put_tree(item, "", settings_.outgoing.publish);
    }
    if (!can_rename) {
        return {StatusCode::unsupported, StatusScope::item,
                "this target cannot rename a directory into place: set outgoing.publish: direct to send "
                "trees all the same"};
    }
    const std::string temporary =
        temp_dir_ + "/tree" + std::to_string(::syscall(SYS_gettid)) + '-' + std::to_string(++trees_sent_);
    if (Status status = make_temp_dir(); !status.ok()) {
        return status;
    }
    if (Status status = session_.call_make_directory(temporary); !status.ok()) {
        return status;
    }
    Status status = put_tree(item, temporary, Publish::direct);
    if (status.ok()) {
        status = session_.call_rename(temporary + '/' + name, name);
    }
    if (status.ok()) {
        item.proved = false;
        status = prove_tree(item, "");
    }
    (void)remove_tree(temporary, 0);
    return status;
}

Status Delivery::put_tree(Item& item, const std::string& prefix, Publish publish) {
    std::vector<PutItem> puts;
    for (const ManifestEntry& entry : item.manifest.entries) {
        if (entry.identity.kind == EntryKind::other) {
            return {StatusCode::unsupported, StatusScope::item,
                    entry.path + " is neither a file, a directory nor a link"};
        }
        puts.push_back(put_item(entry.path, entry.identity));
    }
    PutRequest request;
    request.source_root = source_.path().native();
    request.target_prefix = prefix;
    request.items = puts;
    request.publish = publish;
    PutCollector collector(puts.size());
    if (const Status status = session_.call_put(request, collector); !status.ok()) {
        return status;
    }
    for (const Collected& end : collector.ends) {
        if (!end.reported) {
            return {StatusCode::internal, StatusScope::item,
                    "the module did not say what became of " + item.result->name};
        }
        if (!end.status.ok()) {
            return end.status;
        }
    }
    return prove_tree(item, prefix);
}

Status Delivery::prove_tree(Item& item, const std::string& prefix) {
    std::vector<std::string> paths;
    for (const ManifestEntry& entry : item.manifest.entries) {
        paths.push_back(prefix.empty() ? entry.path : prefix + '/' + entry.path);
    }
    const std::vector<std::string_view> views(paths.begin(), paths.end());
    StatCollector collector(views.size());
    if (const Status status = session_.call_stat(views, collector); !status.ok()) {
        return status;
    }
    for (std::size_t i = 0; i < views.size(); ++i) {
        if (const Status proved = proof(collector.seen[i], item.manifest.entries[i]); !proved.ok()) {
            return proved;
        }
    }
    item.sent = true;
    item.proved = true;
    return {};
}

void Delivery::remove_sources(std::vector<Item>& items) {
    for (Item& item : items) {
        UnitResult& result = *item.result;
        if (!item.proved) {
            continue;
        }
        result.outcome = Outcome::delivered;
        if (item.taken || settings_.outgoing.mode != TransferMode::move) {
            continue;
        }
        try {
            if (source_.remove(result.name, item.manifest) == SourceDirectory::Removal::changed) {
                result.outcome = Outcome::changed;
            }
        } catch (const std::system_error& error) {
            item.fail(status_from_errno(error.code().value(), error.what()));
        }
    }
}

Status Delivery::remove_tree(const std::string& path, int depth) {
    constexpr int deepest = 200;
    if (depth > deepest) {
        return {StatusCode::unsupported, StatusScope::item, path + " is nested too deeply to be removed"};
    }
    NameCollector names;
    if (const Status status = session_.call_list(path, names); !status.ok()) {
        return status.code() == StatusCode::not_found ? Status{} : status;
    }
    std::vector<std::string> paths;
    for (const auto& [name, kind] : names.entries) {
        const std::string inner = path + '/' + name;
        if (kind == EntryKind::directory) {
            if (const Status status = remove_tree(inner, depth + 1); !status.ok()) {
                return status;
            }
        } else {
            paths.push_back(inner);
        }
    }
    paths.push_back(path);
    const std::vector<std::string_view> views(paths.begin(), paths.end());
    RemoveIgnorer sink;
    const Status status = session_.call_remove(views, sink);
    return status.ok() ? sink.worst : status;
}

Status Delivery::clean_target() {
    if (!capabilities_.has(Capability::list) || !capabilities_.has(Capability::remove)) {
        return {};
    }
    return remove_tree(temp_dir_, 0);
}

}  // namespace mistamover::stream
