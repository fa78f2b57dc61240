// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_delivery.hpp"

#include <system_error>

#include "arrivals/checksum_form.hpp"
#include "arrivals/handshake_names.hpp"
#include "files/digest.hpp"
#include "stream/handshake_recovery.hpp"
#include "stream/proof.hpp"

namespace mistamover::stream {
namespace {

Status failure_of(const std::system_error& error) {
    return status_from_errno(error.code().value(), error.what());
}

bool is_directory(const Handshake& unit) {
    return unit.sent->entries.front().identity.kind == EntryKind::directory;
}

}  // namespace

HandshakeDelivery::HandshakeDelivery(SourceDirectory& source, const config::OutgoingSettings& settings,
                                     border::Session& session, DirectoryDelivery& directories)
    : source_(source),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      directories_(directories),
      journal_(source, settings) {}

// The protocol makes good for a target that cannot rename: nobody takes a file there without its control
// file.
Publish HandshakeDelivery::publish() const {
    return capabilities_.has(Capability::publish_rename) ? settings_.publish : Publish::direct;
}

Outcome HandshakeDelivery::failure_of(const Handshake& unit, const Status& status) const {
    // What arrived of a unit that was changed meanwhile proves nothing against it.
    const bool changed = status.code() == StatusCode::source_changed ||
                         (unit.sent && !is_unchanged(source_.fd(), unit.result.name, *unit.sent));
    return changed ? Outcome::changed : Outcome::failed;
}

void HandshakeDelivery::fail(Handshake& unit, const Status& status) const {
    unit.result.outcome = failure_of(unit, status);
    unit.result.status = status;
}

Status HandshakeDelivery::send(std::vector<Handshake>& units) {
    Refs sent;
    if (const Status status = send_files(units, sent); !status.ok()) {
        return status;
    }
    for (Handshake& unit : units) {
        if (!is_directory(unit) || !is_to_be_sent(unit)) {
            continue;
        }
        const Status status = send_directory(unit);
        if (beyond_item(status)) {
            return status;
        }
        if (status.ok()) {
            sent.push_back(&unit);
        } else {
            fail(unit, status);
        }
    }
    return announce(sent);
}

bool HandshakeDelivery::is_to_be_sent(Handshake& unit) const {
    const std::string& name = unit.result.name;
    Status refusal;
    if (!arrivals::is_data_name(is_directory(unit) ? DirectoryDelivery::zip_name(name) : name)) {
        refusal = {StatusCode::unsupported, StatusScope::item,
                   "its name cannot be written into a control file: it has a newline, or is too long"};
    } else if (unit.sent->entries.front().identity.kind == EntryKind::symlink) {
        refusal = {StatusCode::unsupported, StatusScope::item,
                   "it is a symbolic link, which the arrivals protocol does not know"};
    }
    if (!refusal.ok()) {
        unit.result.status = refusal;
        unit.result.outcome = Outcome::refused;
    }
    return refusal.ok();
}

arrivals::Control HandshakeDelivery::control_for(const std::string& data_name, std::uint64_t size,
                                                 const std::string& digest) const {
    return {data_name, size, arrivals::checksum_on_wire(settings_.checksum, digest),
            arrivals::stamped_name(data_name, std::chrono::system_clock::now(),
                                   settings_.receipt_file_extension)};
}

void HandshakeDelivery::data_is_sent(Handshake& unit, arrivals::Control control) const {
    unit.state.emplace(std::move(control), handshake_rules(settings_),
                       arrivals::SenderHandshake::Clock::now());
}

Status HandshakeDelivery::send_files(std::vector<Handshake>& units, Refs& sent) {
    Refs owners;
    std::vector<ManifestEntry> files;
    std::vector<std::string> digests;
    for (Handshake& unit : units) {
        if (is_directory(unit) || !is_to_be_sent(unit)) {
            continue;
        }
        try {
            digests.push_back(files::digest_of(source_.fd(), unit.result.name, settings_.checksum));
            files.push_back(unit.sent->entries.front());
            owners.push_back(&unit);
        } catch (const std::system_error& error) {
            fail(unit, stream::failure_of(error));
        }
    }
    if (files.empty()) {
        return {};
    }
    const std::vector<PutItem> items = put_items(files);
    PutCollector ends(items.size());
    PutRequest request;
    request.source_root = source_.path().native();
    request.items = items;
    request.publish = publish();
    const Status overall = put_each(session_, request, ends);
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const Status status = ends.status_of(i, overall);
        if (beyond_item(status)) {
            return status;
        }
        if (status.ok()) {
            data_is_sent(*owners[i], control_for(files[i].path, files[i].identity.size, digests[i]));
            sent.push_back(owners[i]);
        } else {
            fail(*owners[i], status);
        }
    }
    return {};
}

Status HandshakeDelivery::send_directory(Handshake& unit) {
    return directories_.with_zip(unit.result.name, *unit.sent, [&](const DirectoryDelivery::Zip& zip) {
        arrivals::Control control =
            control_for(zip.file.path, zip.file.identity.size,
                        files::digest_of(zip.directory_fd, zip.file.path, settings_.checksum));
        const PutItem item = put_item(zip.file);
        PutRequest request;
        request.source_root = zip.directory.native();
        request.items = {&item, 1};
        request.publish = publish();
        PutCollector ends(1);
        const Status overall = session_.call_put(request, ends);
        const Status status = ends.status_of(0, overall);
        if (status.ok()) {
            data_is_sent(unit, std::move(control));
        }
        return status;
    });
}

// Puts the control files of units whose data is at the target, each of which is in the journal first.
Status HandshakeDelivery::announce(const Refs& units) {
    Refs owners;
    std::vector<ManifestEntry> files;
    Status worst;
    for (Handshake* unit : units) {
        try {
            files.push_back(journal_.write(unit->state->control()));
            owners.push_back(unit);
            unit->result.outcome = Outcome::awaiting_receipt;
        } catch (const std::system_error& error) {
            const Status status = stream::failure_of(error);
            if (beyond_item(status)) {
                worst = status;
                break;
            }
            fail(*unit, status);
        }
    }
    const Status status = put_controls(owners, files);
    return status.ok() ? worst : status;
}

Status HandshakeDelivery::put_controls(const Refs& units, const std::vector<ManifestEntry>& files) {
    if (files.empty()) {
        return {};
    }
    const std::vector<PutItem> items = put_items(files);
    PutCollector ends(items.size());
    PutRequest request;
    request.source_root = source_.path().native();
    request.items = items;
    request.publish = publish();
    const Status overall = put_each(session_, request, ends);
    Status worst = beyond_item(overall) ? overall : Status{};
    for (std::size_t i = 0; i < units.size(); ++i) {
        const Status status = ends.status_of(i, overall);
        // The receiver may have it, and may act upon it: nothing is sent again before that is known.
        units[i]->control_in_doubt = beyond_item(status) || !status.outcome_known();
        if (beyond_item(status)) {
            worst = status;
        } else if (!status.ok() && status.outcome_known()) {
            journal_.remove(units[i]->state->control());
            fail(*units[i], status);
        }
    }
    return worst;
}

}  // namespace mistamover::stream
