// SPDX-License-Identifier: BSD-3-Clause
#include "stream/delivery.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "stream/deletability.hpp"
#include "stream/mirror_pass.hpp"
#include "stream/readiness.hpp"
#include "stream/requirements.hpp"

namespace mistamover::stream {

namespace {

// The disk space monitor would delete other units to make up for what a zip file takes, and a little more.
ZipRoom room_for_zips(const config::StreamSettings& settings) {
    constexpr std::uint64_t part_more = 32;
    ZipRoom room;
    if (settings.disk_space.level_vlow) {
        const std::uint64_t level = settings.disk_space.level_vlow->bytes;
        room.kept_free = level + level / part_more;
    }
    return room;
}

}  // namespace

Delivery::Delivery(SourceDirectory& source, const config::StreamSettings& settings, border::Session& session,
                   const std::string& temp_dir, SourceMark& source_mark, NameGuard::Shared& names,
                   Settling& settling, AliasCheck::Shared& alias, const CancelToken& cancel)
    : source_(source),
      source_mark_(source_mark),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      alias_(source, session, capabilities_, temp_dir, alias),
      target_(session, capabilities_, settings.outgoing, temp_dir, alias_),
      cancel_(cancel),
      names_(session, capabilities_, temp_dir, names),
      settling_(settling),
      directories_(source, settings.outgoing, session, temp_dir, cancel, room_for_zips(settings)),
      proved_(source, settings.outgoing, session, directories_, names_, cancel),
      handshakes_(source, settings.outgoing, session, directories_, cancel),
      receipts_(source, settings.outgoing, session, directories_, handshakes_, cancel) {}

Status Delivery::check_target() const {
    return check_requirements(settings_.outgoing, capabilities_);
}

BatchResult Delivery::deliver(const std::vector<Candidate>& batch, bool ask_for_stop) {
    BatchResult result;
    result.units.resize(batch.size());
    std::vector<BatchUnit> items(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        result.units[i].name = batch[i].name;
        items[i].result = &result.units[i];
    }
    if (settings_.outgoing.mode == TransferMode::mirror) {
        if (ask_target(ask_for_stop, result)) {
            result.used_target = true;
            mirror(result);
        }
        return result;
    }
    result.session = check_removals();
    if (result.session.ok()) {
        result.session = look_at_sources(items);
    }
    const bool any_to_send = std::any_of(items.begin(), items.end(), [](const BatchUnit& item) {
        return item.result->outcome == Outcome::not_tried;
    });
    if (result.session.ok() && any_to_send && ask_target(ask_for_stop, result)) {
        result.session = alias_.check();
        if (result.session.ok()) {
            send(items, result);
        }
    }
    return result;
}

void Delivery::send(std::vector<BatchUnit>& items, BatchResult& result) {
    std::vector<const UnitResult*> to_send;
    for (const BatchUnit& item : items) {
        if (item.result->outcome == Outcome::not_tried) {
            to_send.push_back(item.result);
        }
    }
    if (settings_.outgoing.target_uses_arrival_monitor) {
        send_with_handshake(items, result);
    } else {
        result.session = proved_.send(items);
    }
    // Where it has failed, there is no telling which unit got how far.
    result.used_target =
        !result.session.ok() || std::any_of(to_send.begin(), to_send.end(), [](const UnitResult* unit) {
            return unit->outcome != Outcome::no_room;
        });
}

// False where the target has a .stop file, or that cannot be told.
bool Delivery::ask_target(bool ask_for_stop, BatchResult& result) {
    result.asked_for_stop = ask_for_stop;
    if (ask_for_stop) {
        const TargetDirectory::Seen seen = target_.look(false);
        result.session = seen.status;
        result.target_suspended = seen.stop_file;
    }
    return result.session.ok() && !result.target_suspended;
}

// Where nothing can be deleted, all would be sent again and again, and no unit is to blame.
Status Delivery::check_removals() const {
    try {
        source_.check_removals();
        return {};
    } catch (const std::system_error& error) {
        const Status why = status_from_errno(error.code().value(), "");
        return {why.code(), StatusScope::session,
                std::string("nothing is sent, since nothing can be deleted in ") + error.what(),
                why.protocol_code()};
    }
}

void Delivery::mirror(BatchResult& result) {
    bool names_can_meet = false;
    result.session = alias_.check_untouched();
    if (result.session.ok()) {
        result.session = names_.can_meet(names_can_meet);
    }
    if (!result.session.ok()) {
        return;
    }
    NameGuard* const names = names_can_meet ? &names_ : nullptr;
    MirrorResult pass =
        MirrorPass(source_, source_mark_, settling_, settings_.outgoing, session_, names, cancel_).run();
    UnitResult& unit = result.units.front();
    result.session = pass.session;
    unit.bytes = pass.bytes;
    unit.actions = std::move(pass.actions);
    unit.status = pass.item;
    unit.settle_ms = pass.settle_ms;
    if (!pass.session.ok()) {
        unit.outcome = Outcome::not_tried;
    } else if (!pass.item.ok()) {
        unit.outcome = Outcome::failed;
    } else if (pass.unsettled.empty()) {
        unit.outcome = Outcome::delivered;
    } else {
        unit.outcome = pass.settle_ms > 0 ? Outcome::settling : Outcome::being_written;
    }
}

// What was there when its directory was listed, and is not now, was taken out of the unit or replaced.
void Delivery::note_unreadable(UnitResult& result, const std::system_error& error) const {
    const int number = error.code().value();
    const bool there = source_.find(result.name).has_value();
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) {
        result.outcome = there ? Outcome::changed : Outcome::vanished;
    } else {
        result.outcome = Outcome::failed;
    }
    result.status = status_from_errno(number, error.what());
}

Status Delivery::look_at_sources(std::vector<BatchUnit>& items) {
    for (BatchUnit& item : items) {
        try {
            look_at_source(item);
        } catch (const std::system_error& error) {
            item.manifest.entries.assign(1, {item.result->name, {}});
            note_unreadable(*item.result, error);
            if (item.result->status.beyond_item()) {
                item.result->outcome = Outcome::not_tried;
                return item.result->status;
            }
        }
        if (item.result->outcome == Outcome::not_tried) {
            refuse_or_hold(item);
        }
    }
    return {};
}

void Delivery::look_at_source(BatchUnit& item) const {
    UnitResult& result = *item.result;
    Look look;
    try {
        look = look_at(source_.fd(), result.name, WritersAsked::until_found);
    } catch (const std::system_error&) {
        settling_.forget(result.name);
        throw;
    }
    result.bytes = look.manifest.bytes;
    if (look.writers == Writers::some) {
        result.outcome = Outcome::being_written;
    } else if (look.writers == Writers::vanished) {
        result.outcome = Outcome::changed;
    } else {
        const auto left = settle_time_left(settings_.outgoing, result.name, look,
                                           std::chrono::system_clock::now(), settling_);
        result.settle_ms = left.count();
        result.outcome = left.count() > 0 ? Outcome::settling : Outcome::not_tried;
    }
    item.manifest = std::move(look.manifest);
}

void Delivery::refuse_or_hold(BatchUnit& item) const {
    UnitResult& result = *item.result;
    if (item.manifest.entries.front().identity.kind == EntryKind::other) {
        result.status = {StatusCode::unsupported, StatusScope::item,
                         result.name + " is neither a file, a directory nor a link"};
        result.outcome = Outcome::failed;
    } else if (item.is_directory()) {
        result.status = directories_.refusal(result.name, item.manifest);
        result.outcome = result.status.ok() ? Outcome::not_tried : Outcome::refused;
    } else if (directories_.would_replace(result.name)) {
        result.status = {StatusCode::exists, StatusScope::item,
                         "there is a directory that would be sent under the same name"};
        result.outcome = Outcome::held;
    }
    if (result.outcome == Outcome::not_tried) {
        refuse_undeletable(item);
    }
}

// What cannot be removed would be sent, and accepted, again and again.
void Delivery::refuse_undeletable(BatchUnit& item) const {
    if (const int error = refuses_removal(source_.fd(), item.manifest); error != 0) {
        const Status why = status_from_errno(
            error, item.result->name + " is not sent, since it could not be deleted here afterwards");
        item.result->status = {why.code(), StatusScope::item, why.text()};
        item.result->outcome = Outcome::failed;
    }
}

void Delivery::send_with_handshake(std::vector<BatchUnit>& items, BatchResult& result) {
    std::vector<Handshake> units;
    std::vector<UnitResult*> results;
    units.reserve(items.size());
    for (BatchUnit& item : items) {
        if (item.result->outcome == Outcome::not_tried) {
            Handshake& unit = units.emplace_back();
            unit.result = *item.result;
            unit.sent = std::move(item.manifest);
            results.push_back(item.result);
        }
    }
    result.session = handshakes_.send(units);
    result.handshakes.reserve(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) {
        *results[i] = units[i].result;
        if (units[i].result.outcome == Outcome::awaiting_receipt) {
            result.handshakes.push_back(std::move(units[i]));
        }
    }
}

BatchResult Delivery::look_for_receipts(std::vector<Handshake>& handshakes) {
    BatchResult result;
    result.session = receipts_.look(handshakes);
    result.handshakes.reserve(handshakes.size());
    result.units.reserve(handshakes.size());
    for (Handshake& handshake : handshakes) {
        if (handshake.result.outcome == Outcome::awaiting_receipt) {
            result.handshakes.push_back(std::move(handshake));
        } else if (!handshake.result.name.empty()) {
            result.units.push_back(std::move(handshake.result));
        }
    }
    result.used_target = !result.units.empty();
    handshakes.clear();
    return result;
}

}  // namespace mistamover::stream
