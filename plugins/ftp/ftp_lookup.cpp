// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_lookup.hpp"

#include <algorithm>
#include <limits>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_path.hpp"
#include "ftp/ftp_probe.hpp"

namespace mistamover::ftp {
namespace {

constexpr std::uint64_t whole_listing = std::numeric_limits<std::uint64_t>::max();

std::string list_of(std::string_view path) {
    return "list " + (path.empty() ? "the target directory" : printable(path));
}

Status refused_listing(const Reply& reply, std::string_view path) {
    if (reply.completed()) {
        return {StatusCode::permission, StatusScope::item, list_of(path) + ": not everything was listed",
                reply.code};
    }
    return reply_failure(reply, During::request, list_of(path));
}

// The operating system's own words for it, which many servers pass on; they save a listing.
bool says_not_there(std::string_view words) {
    return words.find("No such file or directory") != std::string_view::npos;
}

Status understood(const Listing& listing, std::string_view path) {
    if (!listing.unreadable) {
        return {};
    }
    const std::string line = listing.unreadable->substr(0, listing.unreadable->find('\n'));
    return {StatusCode::unsupported, StatusScope::item,
            list_of(path) + ": a line is not understood: " + printable(line)};
}

}  // namespace

Status Lookup::refusal(const Reply& reply, std::string_view doing, std::string_view path) {
    const Status status = reply_failure(reply, During::request, std::string(doing) + ' ' + std::string(path));
    if (reply.code != 550) {
        return status;
    }
    const Status absence = says_not_there(reply.lines.back()) ? Status{} : this->absence(path);
    if (absence.ok()) {
        return {StatusCode::not_found, StatusScope::item, status.text(), reply.code};
    }
    if (absence.code() == StatusCode::exists) {
        return status;
    }
    return {status.code(), status.scope(),
            std::string(status.text()) +
                "; whether it is there at all cannot be told: " + std::string(absence.text()),
            reply.code};
}

bool Lookup::is_absent(std::string_view path) {
    return absence(path).ok();
}

Status Lookup::absence(std::string_view path) {
    if (path.empty()) {
        return {StatusCode::exists, StatusScope::item, "it is the target directory"};
    }
    const std::string_view parent = parent_of(path);
    const std::string_view name = name_of(path);
    const Names& there = names_in(parent);
    if (!there.listed) {
        return is_absent(parent) ? Status{} : there.status;
    }
    if (there.names.count(name) > 0) {
        return {StatusCode::exists, StatusScope::item, "it is listed"};
    }
    if (there.unreadable.find(name) != std::string::npos) {
        return there.status;
    }
    if (!name.starts_with('.')) {
        return {};
    }
    // The stream's temporary directory, in the target directory, shows whether dot-names are listed.
    (void)names_in("");
    return tools_.shared.lists_hidden ? Status{}
                                      : Status(StatusCode::unsupported, StatusScope::item,
                                               "the server has listed no name yet that begins with a dot");
}

Status Lookup::check_shown(std::string_view path) {
    if (path.empty()) {
        return {};
    }
    const Names& there = names_in(parent_of(path));
    if (!there.status.ok()) {
        return {there.status.code(), StatusScope::session, there.status.text(), there.status.protocol_code()};
    }
    if (there.names.count(name_of(path)) > 0) {
        return {};
    }
    return {StatusCode::exists, StatusScope::item,
            "the server changes the name: it does not list " + printable(path)};
}

const Lookup::Names& Lookup::names_in(std::string_view path) {
    if (const auto found = names_.find(path); found != names_.end()) {
        return found->second;
    }
    Listing listing;
    const Status status = read_listing(path, listing);
    if (!status.ok() && status.scope() != StatusScope::item) {
        throw StatusError(status);
    }
    Names& there = names_[std::string(path)];
    there.listed = status.ok();
    there.status = status.ok() ? understood(listing, path) : status;
    there.unreadable = listing.unreadable.value_or("");
    for (ListedEntry& entry : listing.entries) {
        there.names.insert(std::move(entry.name));
    }
    return there;
}

Status Lookup::list(std::string_view path, std::vector<ListedEntry>& entries) {
    Listing listing;
    Status status = read_listing(path, listing);
    if (status.ok()) {
        status = understood(listing, path);
    }
    if (status.ok()) {
        entries = std::move(listing.entries);
    } else if (status.protocol_code() == 550 && (says_not_there(status.text()) || is_absent(path))) {
        return {StatusCode::not_found, StatusScope::item, status.text(), status.protocol_code()};
    }
    return status;
}

Status Lookup::read_listing(std::string_view path, Listing& listing) {
    const Status status =
        tools_.control.features().mlst ? list_by_mlsd(path, listing) : list_by_list(path, listing);
    if (!status.ok()) {
        listing = {};
        return status;
    }
    if (std::any_of(listing.entries.begin(), listing.entries.end(),
                    [](const ListedEntry& entry) { return entry.name.starts_with('.'); })) {
        tools_.shared.lists_hidden = true;
    }
    return {};
}

Status Lookup::list_by_mlsd(std::string_view path, Listing& listing) {
    Reply reply;
    const std::string command = path.empty() ? "MLSD" : tools_.control.with_path("MLSD", path);
    const std::string text = tools_.data.fetch(command, whole_listing, reply);
    if (!lists_everything(reply)) {
        return refused_listing(reply, path);
    }
    listing = read_mlsd(text);
    return {};
}

/// In the directory itself, because LIST takes options and patterns where a name is expected.
Status Lookup::list_by_list(std::string_view path, Listing& listing) {
    Control& control = tools_.control;
    if (!path.empty()) {
        if (const Reply reply = control.call(control.with_path("CWD", path)); !reply.completed()) {
            return refused_listing(reply, path);
        }
    }
    const auto now = std::chrono::system_clock::now();
    Reply reply;
    listing = read_list(tools_.data.fetch("LIST -a", whole_listing, reply), now);
    if (reply.completed() && listing.shows_itself) {
        tools_.shared.lists_hidden = true;
    } else if (!reply.completed() || listing.entries.empty()) {
        // A server that takes no options may have looked for a file "-a".
        listing = read_list(tools_.data.fetch("LIST", whole_listing, reply), now);
    }
    if (!path.empty()) {
        control.return_to_target();
    }
    return lists_everything(reply) ? Status{} : refused_listing(reply, path);
}

void Lookup::add_times(std::string_view path, std::vector<ListedEntry>& entries) {
    const Features& features = tools_.control.features();
    const bool by_mdtm = !features.mlst && features.mdtm;
    if (entries.empty() || (!features.mlst && !by_mdtm)) {
        return;
    }
    // Where a time can be set, it is compared with what was set, not with this machine's clock.
    const bool keeps_times = tools_.keeps_times();
    if (!keeps_times) {
        learn_clock(tools_);
    }
    if (by_mdtm) {
        ask_for_times(path, entries);
    }
    if (!keeps_times) {
        for (ListedEntry& entry : entries) {
            if (entry.info.mtime_precision_ns == told_precision_ns) {
                const ServerClock::Time told{entry.info.mtime_ns};
                entry.info.mtime_ns = tools_.shared.clock.time_of(told).count();
            }
        }
    }
}

/// The times in a listing by LIST are in a zone that is not told; those of MDTM are in one that can be found
/// out.
void Lookup::ask_for_times(std::string_view path, std::vector<ListedEntry>& entries) {
    Control& control = tools_.control;
    const bool any_255 = std::any_of(entries.begin(), entries.end(),
                                     [](const ListedEntry& entry) { return has_byte_255(entry.name); });
    const bool reads_255 = any_255 && learn_name_rules(tools_).ok();
    in_windows(control, entries.size(), [&](std::size_t index) {
        ListedEntry& entry = entries[index];
        if (entry.info.kind != EntryKind::file || !can_carry(entry.name) ||
            (has_byte_255(entry.name) && !reads_255)) {
            return;
        }
        const auto take = [&entry](const Reply& reply) {
            if (const auto time = told_time(reply)) {
                entry.info.mtime_ns = *time;
                entry.info.mtime_precision_ns = told_precision_ns;
            }
        };
        control.queue(control.with_path("MDTM", join(path, entry.name)), take);
    });
}

}  // namespace mistamover::ftp
