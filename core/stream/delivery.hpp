// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <system_error>
#include <vector>

#include "config/settings.hpp"
#include "plugin_host/plugin.hpp"
#include "stream/alias_check.hpp"
#include "stream/batch_result.hpp"
#include "stream/directory_delivery.hpp"
#include "stream/handshake_delivery.hpp"
#include "stream/name_guard.hpp"
#include "stream/proved_delivery.hpp"
#include "stream/receipt_collection.hpp"
#include "stream/settling.hpp"
#include "stream/source_directory.hpp"
#include "stream/source_mark.hpp"
#include "stream/target_directory.hpp"

namespace mistamover::stream {

/// The way of a batch of units through one session: ready, send, prove, delete. Runs on a worker's thread.
class Delivery {
  public:
    Delivery(SourceDirectory& source, const config::StreamSettings& settings, border::Session& session,
             const std::string& temp_dir, SourceMark& source_mark, NameGuard::Shared& names,
             Settling& settling, AliasCheck::Shared& alias, const CancelToken& cancel);

    /// ok where the target can do what the stream is configured to do.
    [[nodiscard]] Status check_target() const;

    /// `ask_for_stop`: where something is ready to be sent, looks for a .stop file at the target first, and
    /// sends nothing where there is one.
    BatchResult deliver(const std::vector<Candidate>& batch, bool ask_for_stop);

    /// Looks for the receipts of units that were sent. `handshakes` is left as it
    /// is where something throws.
    BatchResult look_for_receipts(std::vector<Handshake>& handshakes);

    BatchResult clean_target(Cleaning cleaning, bool ask_for_stop) {
        return target_.clean(cleaning, ask_for_stop);
    }
    Status leave_target() { return target_.leave(); }

  private:
    bool ask_target(bool ask_for_stop, BatchResult& result);
    [[nodiscard]] Status check_removals() const;
    void mirror(BatchResult& result);
    Status look_at_sources(std::vector<BatchUnit>& items);
    void look_at_source(BatchUnit& item) const;
    void refuse_or_hold(BatchUnit& item) const;
    void refuse_undeletable(BatchUnit& item) const;
    void send(std::vector<BatchUnit>& items, BatchResult& result);
    void send_with_handshake(std::vector<BatchUnit>& items, BatchResult& result);
    void note_unreadable(UnitResult& result, const std::system_error& error) const;

    SourceDirectory& source_;
    SourceMark& source_mark_;
    const config::StreamSettings& settings_;
    border::Session& session_;
    Capabilities capabilities_;
    AliasCheck alias_;
    TargetDirectory target_;
    const CancelToken& cancel_;
    NameGuard names_;
    Settling& settling_;
    DirectoryDelivery directories_;
    ProvedDelivery proved_;
    HandshakeDelivery handshakes_;
    ReceiptCollection receipts_;
};

}  // namespace mistamover::stream
