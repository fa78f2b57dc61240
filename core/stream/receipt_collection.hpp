// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "stream/handshake_delivery.hpp"

namespace mistamover::stream {

/// Looks for the receipts of units that HandshakeDelivery has sent, or an earlier process, and carries out
/// what they say: deletes the source, thanks, and removes the journal's file, in this order, so that until
/// the end there is always something left that proves that the unit has arrived, after a power failure, too.
/// Used by the session's thread.
class ReceiptCollection {
  public:
    /// All must outlive this object.
    ReceiptCollection(SourceDirectory& source, const config::OutgoingSettings& settings,
                      border::Session& session, DirectoryDelivery& directories, HandshakeDelivery& delivery,
                      const CancelToken& cancel);

    /// One look at the target answers for all. Returns ok, or a failure of session or stream scope, after
    /// which those that have not ended are to be looked at again.
    Status look(std::vector<Handshake>& handshakes);

  private:
    using Refs = HandshakeDelivery::Refs;
    struct Question;

    [[nodiscard]] bool may_be_early(const std::vector<Question>& questions) const;
    Status drop_if_early(std::vector<Question>& questions);
    Status ask(std::vector<Question>& questions);
    Status read_receipts(std::vector<Question>& questions);
    Status judge(const Question& question);
    [[nodiscard]] static bool control_is_missing(const Question& question);
    Status end_by_removal(Handshake& handshake);
    [[nodiscard]] Status note_failed_removal(Handshake& handshake, const Status& failure) const;
    [[nodiscard]] Status remove_source(Handshake& handshake);
    [[nodiscard]] Status find_by_checksum(Handshake& handshake);
    void wait_for_room(Handshake& handshake, const Status& no_room) const;
    static void end_untold(Handshake& handshake, const Status& why);
    [[nodiscard]] Status compare(int directory_fd, const ManifestEntry& file,
                                 const arrivals::Control& control, bool& is_the_same) const;
    [[nodiscard]] Status write_out_removals(const std::vector<Handshake>& handshakes) const;
    Status thank(std::vector<Handshake>& handshakes);
    Status put_thank_yous(const Refs& owners, const std::vector<ManifestEntry>& files,
                          std::set<const Handshake*>& unthanked);

    SourceDirectory& source_;
    SourceDirectory::Remover remover_;
    const config::OutgoingSettings& settings_;
    border::Session& session_;
    Capabilities capabilities_;
    DirectoryDelivery& directories_;
    HandshakeDelivery& delivery_;
    const CancelToken& cancel_;
    HandshakeJournal journal_;
};

}  // namespace mistamover::stream
