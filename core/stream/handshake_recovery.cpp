// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_recovery.hpp"

#include <optional>
#include <string>

#include "stream/directory_delivery.hpp"
#include "stream/handshake_journal.hpp"

namespace mistamover::stream {
namespace {

// The unit that was sent under this name: a file, or the directory that a zip file was made of. Where both
// are there, the size tells. Empty where it is not there any more.
std::string unit_of(const SourceDirectory& source, const arrivals::Control& control) {
    const auto file = source.find(control.data_name);
    if (file && file->identity.kind == EntryKind::file && file->identity.size == control.size) {
        return control.data_name;
    }
    const std::optional<std::string> name = DirectoryDelivery::unzipped_name(control.data_name);
    const auto directory = name ? source.find(*name) : std::nullopt;
    if (directory && directory->identity.kind == EntryKind::directory) {
        return *name;
    }
    return file ? control.data_name : "";
}

}  // namespace

arrivals::SenderHandshake::Rules handshake_rules(const config::OutgoingSettings& settings) {
    return {settings.receipt_file_poll_count, settings.receipt_file_poll_interval, settings.legacy_receiver};
}

std::vector<Handshake> recover_handshakes(const SourceDirectory& source,
                                          const config::OutgoingSettings& settings) {
    const HandshakeJournal journal(source, settings);
    journal.tidy();
    std::vector<Handshake> handshakes;
    for (arrivals::Control& control : journal.all()) {
        Handshake& handshake = handshakes.emplace_back();
        handshake.result.name = unit_of(source, control);
        handshake.result.bytes = control.size;
        handshake.result.outcome = Outcome::awaiting_receipt;
        handshake.control_in_doubt = true;
        handshake.state.emplace(std::move(control), handshake_rules(settings),
                                arrivals::SenderHandshake::Clock::now());
    }
    return handshakes;
}

}  // namespace mistamover::stream
