// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_recovery.hpp"

#include <optional>
#include <set>
#include <string>

#include "stream/directory_delivery.hpp"
#include "stream/handshake_journal.hpp"

namespace mistamover::stream {
namespace {

bool is_directory(const std::optional<Candidate>& candidate) {
    return candidate && candidate->identity.kind == EntryKind::directory;
}

// The unit that was sent under this name: a file, or the directory that a zip file was made of. Where both
// are there, the size tells. Nothing where it is not there any more: no directory goes by its own name.
std::optional<Candidate> unit_of(const SourceDirectory& source, const arrivals::Control& control) {
    const std::optional<Candidate> found = source.find_for_certain(control.data_name);
    std::optional<Candidate> file = is_directory(found) ? std::nullopt : found;
    if (file && file->identity.kind == EntryKind::file && file->identity.size == control.size) {
        return file;
    }
    const std::optional<std::string> name = DirectoryDelivery::unzipped_name(control.data_name);
    const auto directory = name ? source.find_for_certain(*name) : std::nullopt;
    return is_directory(directory) ? directory : file;
}

}  // namespace

arrivals::SenderHandshake::Rules handshake_rules(const config::OutgoingSettings& settings) {
    return {settings.receipt_file_poll_count, settings.receipt_file_poll_interval, settings.legacy_receiver};
}

RecoveredHandshakes recover_handshakes(const SourceDirectory& source,
                                       const config::OutgoingSettings& settings) {
    const HandshakeJournal journal(source, settings);
    journal.tidy();
    RecoveredHandshakes recovered;
    std::set<std::string> names;
    for (arrivals::Control& control : journal.all()) {
        Handshake& handshake = recovered.handshakes.emplace_back();
        const std::optional<Candidate> unit = unit_of(source, control);
        // Of one that changes from a file to a directory meanwhile, another may have been sent.
        if (unit && names.insert(unit->name).second) {
            handshake.result.name = unit->name;
            recovered.units.push_back(*unit);
        }
        handshake.result.bytes = control.size;
        handshake.result.outcome = Outcome::awaiting_receipt;
        handshake.control_in_doubt = true;
        handshake.state.emplace(std::move(control), handshake_rules(settings),
                                arrivals::SenderHandshake::Clock::now());
    }
    return recovered;
}

}  // namespace mistamover::stream
