// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "plugin_host/plugin.hpp"
#include "stream/directory_delivery.hpp"
#include "stream/manifest.hpp"
#include "stream/name_guard.hpp"
#include "stream/proof.hpp"
#include "stream/source_directory.hpp"
#include "stream/unit_result.hpp"

namespace mistamover::stream {

/// A unit of a batch, and how far it has come.
struct BatchUnit {
    UnitResult* result = nullptr;
    Manifest manifest;
    bool tried = false;   ///< Something of it may be at the target, whatever became of it.
    bool sent = false;    ///< Whole, and not proved yet.
    bool proved = false;  ///< Its source may be deleted.
    bool taken = false;   ///< Its source has gone to the target itself.
    [[nodiscard]] bool is_directory() const {
        return manifest.entries.front().identity.kind == EntryKind::directory;
    }
};

/// Sends units through one session, proves that they arrived, and deletes their sources: the way without the
/// arrivals protocol. Used by the session's thread.
class ProvedDelivery {
  public:
    /// All must outlive this object.
    ProvedDelivery(SourceDirectory& source, const config::OutgoingSettings& settings,
                   border::Session& session, DirectoryDelivery& directories, NameGuard& names,
                   const CancelToken& cancel);

    /// Every unit that was not tried yet; its outcome is then in its result. Not ok where the session has
    /// failed: what it had proved before is deleted, all else was not tried.
    Status send(std::vector<BatchUnit>& items);

  private:
    Status send_and_prove(std::vector<BatchUnit>& items);
    Status keep_names_apart(std::vector<BatchUnit>& items);
    Status prove_names(std::vector<BatchUnit>& items);
    [[nodiscard]] std::vector<std::string> target_paths(const BatchUnit& item) const;
    Status send_files(std::vector<BatchUnit>& items);
    Status prove_files(std::vector<BatchUnit>& items);
    Status send_directories(std::vector<BatchUnit>& items);
    Status remove_sources(std::vector<BatchUnit>& items);
    void note_failure(BatchUnit& item, const Status& status) const;

    SourceDirectory& source_;
    const config::OutgoingSettings& settings_;
    border::Session& session_;
    DirectoryDelivery& directories_;
    NameGuard& names_;
    Prover prover_;
    bool names_can_meet_ = false;  ///< The target takes names for one, as far as is known.
};

}  // namespace mistamover::stream
