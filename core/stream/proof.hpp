// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "stream/manifest.hpp"

namespace mistamover::stream {

class CancelToken;

/// The entry as a session is asked to put it; the views are the entry's.
PutItem put_item(const ManifestEntry& entry);
std::vector<PutItem> put_items(std::span<const ManifestEntry> entries);

/// What became of each item of a put.
class PutCollector final : public PutSink {
  public:
    struct End {
        Status status;
        PutReport report;
        bool reported = false;
    };

    explicit PutCollector(std::size_t count) : ends_(count) {}
    void done(std::size_t index, const Status& status, const PutReport& report) noexcept override;
    /// The item's own end; `overall` is what put returned, and holds for an item it has not reported.
    [[nodiscard]] Status status_of(std::size_t index, const Status& overall) const;
    [[nodiscard]] bool reported(std::size_t index) const { return ends_[index].reported; }
    [[nodiscard]] bool source_taken(std::size_t index) const { return ends_[index].report.source_taken; }

  private:
    std::vector<End> ends_;
};

/// Puts the request's items. Where the session fails without saying which item it is that cannot be put (a
/// module that throws), each of those that it has not reported is put alone, so that no other is blamed.
Status put_each(border::Session& session, const PutRequest& request, PutCollector& ends);

/// What each name of a stat is at the target.
class StatCollector final : public StatSink {
  public:
    struct Seen {
        std::optional<Status> status;  ///< Nothing: the session gave no answer.
        EntryInfo info;
    };

    explicit StatCollector(std::size_t count) : seen_(count) {}
    void entry(std::size_t index, const Status& status, const EntryInfo& info) noexcept override;
    [[nodiscard]] const Seen& operator[](std::size_t index) const { return seen_[index]; }

  private:
    std::vector<Seen> seen_;
};

/// Whether what lies at the target proves by its kind and size that the entry arrived: ok, or why not. Pure.
Status proof_by_size(const StatCollector::Seen& seen, const ManifestEntry& entry);

/// Proves that entries of a source directory have arrived. Used by the session's thread.
class Prover {
  public:
    /// `source_fd`: the directory that the entries' paths are relative to. All must outlive the prover.
    Prover(border::Session& session, const config::OutgoingSettings& settings, int source_fd,
           const CancelToken& cancel)
        : session_(session), settings_(settings), source_fd_(source_fd), cancel_(cancel) {}

    /// Looks at every entry below `prefix` at the target. `proofs` has one Status an entry, and is complete
    /// where ok is returned; else what is returned says nothing of an item, and `proofs` has those of the
    /// first entries alone, which were complete before.
    Status prove(std::span<const ManifestEntry* const> entries, const std::string& prefix, config::Verify how,
                 std::vector<Status>& proofs);
    /// ok, or the first failure of whatever scope.
    Status prove_all(std::span<const ManifestEntry* const> entries, const std::string& prefix,
                     config::Verify how);

  private:
    Status prove_by_checksum(const ManifestEntry& entry, const std::string& path);

    border::Session& session_;
    const config::OutgoingSettings& settings_;
    int source_fd_;
    const CancelToken& cancel_;
};

}  // namespace mistamover::stream
