// SPDX-License-Identifier: BSD-3-Clause
#include "stream/proof.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>

#include "files/digest.hpp"
#include "stream/digests.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

class TextCollector final : public BytesSink {
  public:
    void bytes(std::string_view data) noexcept override {
        try {
            text += data;
        } catch (...) {
            text.clear();  // which equals no digest
        }
    }
    std::string text;
};

// Takes the end of the only item of a put for that of another put's item.
class ItemAlone final : public PutSink {
  public:
    ItemAlone(PutCollector& ends, std::size_t index) : ends_(ends), index_(index) {}
    void done(std::size_t, const Status& status, const PutReport& report) noexcept override {
        ends_.done(index_, status, report);
    }

  private:
    PutCollector& ends_;
    std::size_t index_;
};

std::string below(const std::string& prefix, const std::string& path) {
    return prefix.empty() ? path : prefix + '/' + path;
}

}  // namespace

PutItem put_item(const ManifestEntry& entry) {
    PutItem item;
    item.path = entry.path;
    item.size = entry.identity.size;
    item.mtime_ns = entry.identity.mtime_ns;
    item.device = entry.identity.device;
    item.inode = entry.identity.inode;
    item.mode = entry.identity.mode;
    item.kind = entry.identity.kind;
    return item;
}

std::vector<PutItem> put_items(std::span<const ManifestEntry> entries) {
    std::vector<PutItem> items;
    items.reserve(entries.size());
    std::transform(entries.begin(), entries.end(), std::back_inserter(items), put_item);
    return items;
}

void PutCollector::done(std::size_t index, const Status& status, const PutReport& report) noexcept {
    if (index < ends_.size()) {
        ends_[index] = {status, report, true};
    }
}

Status PutCollector::status_of(std::size_t index, const Status& overall) const {
    if (ends_[index].reported) {
        return ends_[index].status;
    }
    return overall.ok()
               ? Status(StatusCode::internal, StatusScope::item, "the module did not say what became of it")
               : overall;
}

Status put_each(border::Session& session, const PutRequest& request, PutCollector& ends) {
    const Status overall = session.call_put(request, ends);
    if (overall.ok() || overall.beyond_item() || request.items.size() == 1) {
        return overall;
    }
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        if (ends.reported(i)) {
            continue;
        }
        PutRequest alone = request;
        alone.items = request.items.subspan(i, 1);
        ItemAlone end(ends, i);
        const Status status = session.call_put(alone, end);
        if (status.beyond_item()) {
            return status;
        }
        if (!status.ok() && !ends.reported(i)) {
            ends.done(i, status, {});
        }
    }
    return {};
}

void StatCollector::entry(std::size_t index, const Status& status, const EntryInfo& info) noexcept {
    if (index < seen_.size()) {
        seen_[index] = {status, info};
    }
}

Status proof_by_size(const StatCollector::Seen& seen, const ManifestEntry& entry) {
    if (!seen.status) {
        return {StatusCode::internal, StatusScope::item,
                "the target did not say whether it has " + entry.path};
    }
    if (!seen.status->ok()) {
        return *seen.status;
    }
    if (seen.info.kind != entry.identity.kind) {
        return {StatusCode::corrupt, StatusScope::item, entry.path + " is of another kind at the target"};
    }
    if (entry.identity.kind == EntryKind::file && seen.info.size != entry.identity.size) {
        return {StatusCode::corrupt, StatusScope::item,
                entry.path + " has " + std::to_string(seen.info.size) + " bytes at the target instead of " +
                    std::to_string(entry.identity.size)};
    }
    return {};
}

Status Prover::prove(std::span<const ManifestEntry* const> entries, const std::string& prefix,
                     config::Verify how, std::vector<Status>& proofs) {
    proofs.clear();
    std::vector<std::string> paths;
    paths.reserve(entries.size());
    for (const ManifestEntry* entry : entries) {
        paths.push_back(below(prefix, entry->path));
    }
    const std::vector<std::string_view> views(paths.begin(), paths.end());
    StatCollector collector(views.size());
    if (const Status status = session_.call_stat(views, collector); !status.ok()) {
        return status.of_session();
    }
    proofs.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        Status proof = proof_by_size(collector[i], *entries[i]);
        // Of an empty file the size proves all, and not every server has a checksum of nothing.
        const bool has_content =
            entries[i]->identity.kind == EntryKind::file && entries[i]->identity.size > 0;
        if (proof.ok() && how == config::Verify::checksum && has_content) {
            proof = prove_by_checksum(*entries[i], paths[i]);
        }
        if (proof.beyond_item()) {
            return proof;
        }
        proofs.push_back(proof);
    }
    return {};
}

Status Prover::prove_all(std::span<const ManifestEntry* const> entries, const std::string& prefix,
                         config::Verify how) {
    std::vector<Status> proofs;
    if (const Status status = prove(entries, prefix, how, proofs); !status.ok()) {
        return status;
    }
    const auto failed =
        std::find_if(proofs.begin(), proofs.end(), [](const Status& proof) { return !proof.ok(); });
    return failed == proofs.end() ? Status{} : *failed;
}

Status Prover::prove_by_checksum(const ManifestEntry& entry, const std::string& path) {
    TextCollector at_target;
    if (const Status status = session_.call_checksum(path, settings_.checksum, at_target); !status.ok()) {
        return status;
    }
    try {
        const std::string here = files::digest_of(source_fd_, entry.path, entry.identity.size,
                                                  settings_.checksum, [this] { return cancel_.cancelled(); });
        if (here != at_target.text) {
            return {StatusCode::corrupt, StatusScope::item,
                    entry.path + " has another " + settings_.checksum + " at the target"};
        }
    } catch (const files::DigestRefused& refused) {
        return status_of(refused);
    } catch (const std::system_error& error) {
        return status_from_errno(error.code().value(), "read " + entry.path);
    }
    return {};
}

}  // namespace mistamover::stream
