// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_delivery.hpp"

#include <system_error>
#include <utility>

#include "arrivals/checksum_form.hpp"
#include "arrivals/handshake_names.hpp"
#include "files/durability.hpp"
#include "stream/digests.hpp"
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
                                     border::Session& session, DirectoryDelivery& directories,
                                     const CancelToken& cancel)
    : source_(source),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      directories_(directories),
      cancel_(cancel),
      may_be_taken_(capabilities_.has(Capability::take_source)),
      journal_(source, settings) {}

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

// Better known before anything is sent that could not be announced.
Status HandshakeDelivery::check_journal() const {
    try {
        journal_.check_room();
        return {};
    } catch (const std::system_error& error) {
        return stream::failure_of(error).of_session();  // no unit is to blame
    }
}

Status HandshakeDelivery::send(std::vector<Handshake>& units) {
    if (const Status status = check_journal(); !status.ok()) {
        return status;
    }
    Refs sent;
    Status failed = send_files(units, sent);
    for (Handshake& unit : units) {
        if (failed.ok() && is_directory(unit) && is_to_be_sent(unit)) {
            failed = send_directory(unit, sent);
        }
    }
    // Whatever came next has failed: the data that is there need not be sent again.
    const Status announced = announce(sent);
    return failed.ok() ? announced : failed;
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
    for (Handshake& unit : units) {
        if (!is_directory(unit) && is_to_be_sent(unit)) {
            files.push_back(unit.sent->entries.front());
            owners.push_back(&unit);
        }
    }
    return put_data(source_.path(), source_.fd(), files, owners, sent);
}

// ok, or a failure that is not the unit's own.
Status HandshakeDelivery::send_directory(Handshake& unit, Refs& sent) {
    const DirectoryDelivery::End end =
        directories_.with_zip(unit.result.name, *unit.sent, [&](const DirectoryDelivery::Zip& zip) {
            return put_data(zip.directory, zip.directory_fd, {zip.file}, {&unit}, sent);
        });
    if (end.status.beyond_item()) {
        return end.status;
    }
    if (end.no_room) {
        unit.result.outcome = Outcome::no_room;
        unit.result.status = end.status;
    } else if (!end.status.ok()) {
        fail(unit, end.status);
    }
    return {};
}

// Those whose data is at the target then are `sent`, and have a state.
Status HandshakeDelivery::put_data(const std::filesystem::path& directory, int directory_fd,
                                   const std::vector<ManifestEntry>& files, const Refs& owners, Refs& sent) {
    if (files.empty()) {
        return {};
    }
    Digests digests(directory_fd, files, settings_.checksum, cancel_);
    PutCollector ends(files.size());
    const Status overall = put(directory, files, ends);
    if (overall.beyond_item()) {
        return overall;
    }
    for (std::size_t i = 0; i < owners.size(); ++i) {
        Status status = ends.status_of(i, overall);
        if (status.ok()) {
            status = digests.wait()[i].status;
        }
        if (status.beyond_item()) {
            return status;
        }
        if (status.ok()) {
            data_is_sent(*owners[i],
                         control_for(files[i].path, files[i].identity.size, digests.wait()[i].text));
            sent.push_back(owners[i]);
        } else {
            fail(*owners[i], status);
        }
    }
    return {};
}

Status HandshakeDelivery::put(const std::filesystem::path& directory, std::span<const ManifestEntry> files,
                              PutCollector& ends, bool may_take_source) {
    const std::vector<PutItem> items = put_items(files);
    PutRequest request;
    request.source_root = directory.native();
    request.items = items;
    // The protocol makes good for a target that cannot rename: nobody takes a file there without its control
    // file.
    request.publish = capabilities_.has(Capability::publish_rename) ? settings_.publish : Publish::direct;
    request.may_take_source = may_take_source;
    return put_each(session_, request, ends);
}

Status HandshakeDelivery::put_drafts(const std::vector<ManifestEntry>& drafts, PutCollector& ends) {
    const Status overall = put(journal_.drafts_directory(), drafts, ends, true);
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        if (!ends.source_taken(i)) {
            journal_.remove_draft(drafts[i].path);
        }
    }
    return overall;
}

// Each control file is in the journal before it may be at the target, and there it survives a power failure.
Status HandshakeDelivery::announce(const Refs& units) {
    Refs owners;
    std::vector<ManifestEntry> files;
    const Status written = write_controls(units, owners, files);
    if (const Status status = write_out_journal(files); !status.ok()) {
        for (std::size_t i = 0; i < owners.size(); ++i) {
            journal_.remove_draft(files[i].path);
            forget(*owners[i]);
        }
        return status;
    }
    for (Handshake* unit : owners) {
        unit->result.outcome = Outcome::awaiting_receipt;
    }
    const Status status = put_controls(owners, files);
    return status.ok() ? written : status;
}

// As far as there is room; `files` are what is to be put of `written`.
Status HandshakeDelivery::write_controls(const Refs& units, Refs& written,
                                         std::vector<ManifestEntry>& files) {
    for (Handshake* unit : units) {
        try {
            ManifestEntry file = journal_.write(unit->state->control());
            if (may_be_taken_) {
                file = journal_.write_draft(unit->state->control());
            }
            files.push_back(std::move(file));
            written.push_back(unit);
        } catch (const std::system_error& error) {
            const Status status = stream::failure_of(error);
            forget(*unit);
            if (status.beyond_item()) {
                return status;
            }
            fail(*unit, status);
        }
    }
    return {};
}

// A failure is that of the disk, whatever file it was met with.
Status HandshakeDelivery::write_out_journal(const std::vector<ManifestEntry>& controls) const {
    if (controls.empty()) {
        return {};
    }
    std::vector<std::string> names;
    names.reserve(controls.size());
    for (const ManifestEntry& control : controls) {
        names.push_back(control.path);
    }
    const int error = files::write_out(source_.fd(), names);
    return error == 0 ? Status{}
                      : status_from_errno(
                            error, "bring the handshakes' journal to the disk in " + source_.path().string())
                            .of_session();
}

// Of what is not announced, unless it may have been before.
void HandshakeDelivery::forget(const Handshake& unit) const {
    if (unit.result.outcome != Outcome::awaiting_receipt) {
        journal_.remove(unit.state->control(), true);
    }
}

Status HandshakeDelivery::put_controls(const Refs& units, const std::vector<ManifestEntry>& files) {
    if (files.empty()) {
        return {};
    }
    PutCollector ends(files.size());
    const Status overall = may_be_taken_ ? put_drafts(files, ends) : put(source_.path(), files, ends);
    Status worst = overall.beyond_item() ? overall : Status{};
    for (std::size_t i = 0; i < units.size(); ++i) {
        const Status status = ends.status_of(i, overall);
        // The receiver may have it, and may act upon it: nothing is sent again before that is known.
        units[i]->control_in_doubt = status.beyond_item() || !status.outcome_known();
        if (status.beyond_item()) {
            worst = status;
        } else if (!status.ok() && status.outcome_known()) {
            journal_.remove(units[i]->state->control(), units[i]->result.name.empty());
            fail(*units[i], status);
        }
    }
    return worst;
}

}  // namespace mistamover::stream
