// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "arrivals/handshake_files.hpp"
#include "config/settings.hpp"
#include "stream/directory_delivery.hpp"
#include "stream/handshake.hpp"
#include "stream/handshake_journal.hpp"
#include "stream/source_directory.hpp"

namespace mistamover::stream {

/// Sends units by the arrivals protocol through one session: data and then, once it is there, control files.
/// What becomes of them is for ReceiptCollection to find out. Used by the session's thread.
class HandshakeDelivery {
  public:
    using Refs = std::vector<Handshake*>;

    /// All must outlive this object.
    HandshakeDelivery(SourceDirectory& source, const config::OutgoingSettings& settings,
                      border::Session& session, DirectoryDelivery& directories, const CancelToken& cancel);

    /// Each unit has a result and what is to be sent. Returns ok, or a failure of session or stream scope;
    /// those that it kept from being sent are `not_tried`.
    Status send(std::vector<Handshake>& units);
    /// Puts the control files of units whose data is at the target, once the disk has the journal of them.
    /// Returns as send does.
    Status announce(const Refs& units);

    /// `failed`, or `changed` where the unit is not any more what was sent.
    [[nodiscard]] Outcome failure_of(const Handshake& unit, const Status& status) const;
    /// Puts what the journal has drafted, and removes the drafts; `ends` has one end each. Returns as
    /// put_each does.
    Status put_drafts(const std::vector<ManifestEntry>& drafts, PutCollector& ends);

  private:
    Status put(const std::filesystem::path& directory, std::span<const ManifestEntry> files,
               PutCollector& ends, bool may_take_source = false);
    [[nodiscard]] Status check_journal() const;
    Status send_files(std::vector<Handshake>& units, Refs& sent);
    Status send_directory(Handshake& unit, Refs& sent);
    Status put_data(const std::filesystem::path& directory, int directory_fd,
                    const std::vector<ManifestEntry>& files, const Refs& owners, Refs& sent);
    [[nodiscard]] bool is_to_be_sent(Handshake& unit) const;
    [[nodiscard]] arrivals::Control control_for(const std::string& data_name, std::uint64_t size,
                                                const std::string& digest) const;
    void data_is_sent(Handshake& unit, arrivals::Control control) const;
    Status write_controls(const Refs& units, Refs& written, std::vector<ManifestEntry>& files);
    [[nodiscard]] Status write_out_journal(const std::vector<ManifestEntry>& controls) const;
    void forget(const Handshake& unit) const;
    Status put_controls(const Refs& units, const std::vector<ManifestEntry>& files);
    void fail(Handshake& unit, const Status& status) const;

    SourceDirectory& source_;
    const config::OutgoingSettings& settings_;
    border::Session& session_;
    Capabilities capabilities_;
    DirectoryDelivery& directories_;
    const CancelToken& cancel_;
    bool may_be_taken_;  ///< A file is cheaper to hand over than to copy.
    HandshakeJournal journal_;
};

}  // namespace mistamover::stream
