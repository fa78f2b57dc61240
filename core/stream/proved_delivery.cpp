// SPDX-License-Identifier: BSD-3-Clause
#include "stream/proved_delivery.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <system_error>

#include "stream/readiness.hpp"

namespace mistamover::stream {

ProvedDelivery::ProvedDelivery(SourceDirectory& source, const config::OutgoingSettings& settings,
                               border::Session& session, DirectoryDelivery& directories, NameGuard& names,
                               const CancelToken& cancel)
    : source_(source),
      settings_(settings),
      session_(session),
      directories_(directories),
      names_(names),
      prover_(session, settings, source.fd(), cancel) {}

Status ProvedDelivery::send(std::vector<BatchUnit>& items) {
    Status status = names_.find_out(names_can_meet_);
    if (status.ok()) {
        status = send_and_prove(items);
    }
    const Status removed = remove_sources(items);
    return status.ok() ? removed : status;
}

// Where the target takes names for one, nothing is proved before it is seen there under its own name.
Status ProvedDelivery::send_and_prove(std::vector<BatchUnit>& items) {
    std::unique_lock<std::mutex> alone;
    Status status;
    if (names_can_meet_) {
        alone = names_.alone();
        status = keep_names_apart(items);
    }
    if (status.ok()) {
        status = send_files(items);
    }
    if (status.ok()) {
        status = prove_files(items);
    }
    if (status.ok()) {
        status = send_directories(items);
    }
    if (names_can_meet_) {
        const Status names = prove_names(items);
        status = status.ok() ? names : status;
    }
    return status;
}

std::vector<std::string> ProvedDelivery::target_paths(const BatchUnit& item) const {
    const std::string& name = item.result->name;
    return item.is_directory() ? directories_.target_paths(name, item.manifest)
                               : std::vector<std::string>{name};
}

Status ProvedDelivery::keep_names_apart(std::vector<BatchUnit>& items) {
    std::vector<std::string> paths;
    std::vector<BatchUnit*> owners;
    for (BatchUnit& item : items) {
        if (item.result->outcome == Outcome::not_tried) {
            std::vector<std::string> own = target_paths(item);
            owners.insert(owners.end(), own.size(), &item);
            std::move(own.begin(), own.end(), std::back_inserter(paths));
        }
    }
    std::vector<bool> others;
    if (const Status status = names_.find_others(paths, others); !status.ok()) {
        return status.of_session();
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (others[i]) {
            note_failure(*owners[i], taken_for_one(paths[i]));
        }
    }
    return {};
}

// Of two names of a batch that the target takes for one, it has neither's content for certain: not even where
// one of them was found out to be another's and is not proved.
Status ProvedDelivery::prove_names(std::vector<BatchUnit>& items) {
    std::vector<std::string> paths;
    std::vector<BatchUnit*> owners;
    std::vector<std::string> failed;
    for (BatchUnit& item : items) {
        std::vector<std::string> own = item.tried ? target_paths(item) : std::vector<std::string>();
        if (item.proved) {
            owners.insert(owners.end(), own.size(), &item);
        }
        std::move(own.begin(), own.end(), std::back_inserter(item.proved ? paths : failed));
    }
    if (paths.empty()) {
        return {};
    }
    std::vector<bool> missing;
    std::vector<bool> others;
    Status status = names_.find_missing(paths, missing).of_session();
    if (status.ok()) {
        status = names_.find_others(failed, others).of_session();
    }
    const auto any = [](const std::vector<bool>& of) {
        return std::find(of.begin(), of.end(), true) != of.end();
    };
    if (status.ok() && !any(missing) && !any(others)) {
        return {};
    }
    for (BatchUnit& item : items) {
        item.proved = false;
    }
    for (std::size_t i = 0; status.ok() && i < paths.size(); ++i) {
        if (missing[i]) {
            note_failure(*owners[i], taken_for_one(paths[i]));
        }
    }
    return status;
}

Status ProvedDelivery::send_files(std::vector<BatchUnit>& items) {
    std::vector<PutItem> puts;
    std::vector<BatchUnit*> owners;
    for (BatchUnit& item : items) {
        if (item.result->outcome == Outcome::not_tried && !item.is_directory()) {
            puts.push_back(put_item(item.manifest.entries.front()));
            owners.push_back(&item);
            item.tried = true;
        }
    }
    if (puts.empty()) {
        return {};
    }
    PutRequest request;
    request.source_root = source_.path().native();
    request.items = puts;
    request.publish = settings_.publish;
    // What was taken could not be compared with what arrived.
    request.may_take_source = settings_.verify == config::Verify::size && !names_can_meet_;
    PutCollector collector(puts.size());
    const Status overall = put_each(session_, request, collector);
    Status worst = overall.beyond_item() ? overall : Status{};
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const Status status = collector.status_of(i, overall);
        owners[i]->sent = status.ok();
        owners[i]->taken = status.ok() && collector.source_taken(i);
        if (status.beyond_item()) {
            worst = status;
        } else if (!status.ok()) {
            note_failure(*owners[i], status);
        }
    }
    // Those that were sent before the session failed are proved when they are sent again.
    return worst;
}

Status ProvedDelivery::prove_files(std::vector<BatchUnit>& items) {
    std::vector<const ManifestEntry*> entries;
    std::vector<BatchUnit*> owners;
    for (BatchUnit& item : items) {
        if (item.sent) {
            entries.push_back(&item.manifest.entries.front());
            owners.push_back(&item);
        }
    }
    if (entries.empty()) {
        return {};
    }
    std::vector<Status> proofs;
    // Where the session fails, what was proved before stays proved.
    const Status end = prover_.prove(entries, "", settings_.verify, proofs);
    for (std::size_t i = 0; i < proofs.size(); ++i) {
        owners[i]->proved = proofs[i].ok();
        if (!proofs[i].ok()) {
            note_failure(*owners[i], proofs[i]);
        }
    }
    return end;
}

Status ProvedDelivery::send_directories(std::vector<BatchUnit>& items) {
    for (BatchUnit& item : items) {
        if (item.result->outcome != Outcome::not_tried || !item.is_directory()) {
            continue;
        }
        item.tried = true;
        const DirectoryDelivery::End end = directories_.deliver(item.result->name, item.manifest);
        if (end.status.beyond_item()) {
            return end.status;
        }
        item.proved = end.status.ok();
        if (end.no_room) {
            item.result->outcome = Outcome::no_room;
            item.result->status = end.status;
        } else if (!end.status.ok()) {
            note_failure(item, end.status);
        }
    }
    return {};
}

// A failure of session scope keeps this machine from deleting anything: it says nothing of the unit.
Status ProvedDelivery::remove_sources(std::vector<BatchUnit>& items) {
    SourceDirectory::Remover remover(source_);
    Status worst;
    for (BatchUnit& item : items) {
        UnitResult& result = *item.result;
        // What the module has taken is at the target, and not here any more, whatever has failed since.
        const bool is_taken = item.taken && result.outcome == Outcome::not_tried;
        if (!item.proved && !is_taken) {
            continue;
        }
        try {
            note_removal(
                result, item.taken ? SourceDirectory::Removed{} : remover.remove(result.name, item.manifest));
        } catch (const std::system_error& error) {
            const Status status = status_from_errno(error.code().value(), error.what());
            if (status.beyond_item()) {
                result.outcome = Outcome::not_tried;
                worst = status;
            } else {
                note_failure(item, status);
            }
        }
    }
    return worst;
}

void ProvedDelivery::note_failure(BatchUnit& item, const Status& status) const {
    item.sent = false;
    item.proved = false;
    // What arrived of a unit that was changed meanwhile proves nothing against it.
    const bool changed = status.code() == StatusCode::source_changed ||
                         !is_unchanged(source_.fd(), item.result->name, item.manifest);
    item.result->outcome = changed ? Outcome::changed : Outcome::failed;
    item.result->status = status;
}

}  // namespace mistamover::stream
