// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_look.hpp"

#include "rsync/rsync_failure.hpp"

namespace mistamover::rsync {

// A listing writes nothing here, and what was not asked for is passed over: the sender can be trusted.
ChildEnd Look::run_list(const std::string& names, const EntryHandler& on_entry) {
    const bool trust_sender = shared_.knows_trust_sender;
    ChildEnd end = runner_.run(commands_.list(trust_sender), names, [&](std::string_view line) {
        if (const auto entry = parse_list_line(line)) {
            on_entry(*entry);
        }
    });
    if (trust_sender && end.result.exited_with(exit_usage) &&
        end.errors.find(trust_sender_option) != std::string::npos) {
        shared_.knows_trust_sender = false;
        return run_list(names, on_entry);
    }
    return end;
}

Status Look::named(const std::string& names, const EntryHandler& on_entry, bool& complete) {
    complete = false;
    if (const Status lost = master_ != nullptr ? master_->check() : Status(); !lost.ok()) {
        return lost;
    }
    const ChildEnd end = run_list(names, on_entry);
    complete = end.result.exited_with(0);
    const bool partly = end.result.exited_with(exit_partial) || end.result.exited_with(exit_vanished);
    return complete || partly ? Status{} : runner_.failure(end);
}

std::optional<EntryInfo> Look::find(std::string_view path) {
    std::optional<EntryInfo> found;
    bool complete = false;
    const Status status = named(
        name_list({&path, 1}),
        [&](const ListLine& entry) {
            if (entry.path == path) {
                found = entry.info;
            }
        },
        complete);
    if (!status.ok()) {
        throw StatusError(status);
    }
    if (!found && !complete) {
        throw StatusError(item_failure(StatusCode::permission, path, "cannot be looked at"));
    }
    return found;
}

}  // namespace mistamover::rsync
