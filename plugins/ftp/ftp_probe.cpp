// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_probe.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_listing.hpp"
#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_path.hpp"
#include "ftp/ftp_trial.hpp"

namespace mistamover::ftp {
namespace {

constexpr std::string_view one_byte = "x";

std::string path_of_trial(Tools tools) {
    return tools.shared.has_temp_dir ? tools.shared.temp_names.next(tools.options) : path_beside(tools);
}

/// The size of what was just stored. Without it nothing can be proved.
std::uint64_t size_of_trial(Tools tools, const std::string& path) {
    Control& control = tools.control;
    Reply reply = control.call(control.with_path(size_command(tools.shared), path));
    if (reply.permanent_failure() && control.features().mlst && !tools.shared.sizes_by_mlst) {
        const Reply facts = control.call(control.with_path("MLST", path));
        tools.shared.sizes_by_mlst = told_size(facts).has_value();
        reply = tools.shared.sizes_by_mlst ? facts : reply;
    }
    if (const auto size = told_size(reply)) {
        return *size;
    }
    const Status refusal = reply.completed() ? not_understood(reply, "size of a temporary file")
                                             : Lookup(tools).refusal(reply, "size of", path);
    const bool for_now = reply.passing_failure() || refusal.code() == StatusCode::not_found;
    remove_trial(tools, path);
    throw StatusError({for_now ? StatusCode::unreachable : StatusCode::configuration,
                       for_now ? StatusScope::session : StatusScope::stream,
                       "the server does not tell the size of a file, by which it is proved: let it answer "
                       "SIZE or MLST, or use another module (" +
                           std::string(refusal.text()) + ')',
                       reply.code});
}

/// By the command that tells the times of all files: they need not agree.
std::optional<std::int64_t> time_of_trial(Tools tools, const std::string& path) {
    Control& control = tools.control;
    if (!control.features().mlst) {
        return told_time(control.call(control.with_path("MDTM", path)));
    }
    const auto entry = read_mlst(control.call(control.with_path("MLST", path)));
    return entry && entry->info.mtime_precision_ns != 0 ? std::optional(entry->info.mtime_ns) : std::nullopt;
}

[[noreturn]] void refuse_other_name(Tools tools, const std::string& path) {
    remove_trial(tools, path);
    throw StatusError(
        {StatusCode::configuration, StatusScope::stream,
         "the server stores a file under another name where its own is there already (Pure-FTPd: "
         "AutoRename): an earlier file would prove it. Switch that off, or set outgoing.publish: "
         "rename where the server renames over files"});
}

/// The core tells by a directory that it makes, or else keeps names apart by listings.
void warn_of_names(Tools tools) {
    ModuleState& shared = tools.shared;
    if (shared.has_temp_dir || shared.lists || shared.warned_of_names.exchange(true)) {
        return;
    }
    tools.context.log(LogLevel::warning,
                      "the server lets nobody make a directory or list what is there, so it cannot be told "
                      "whether it takes names for one that differ in the case of letters: there, one file "
                      "would replace another. This is said once");
}

}  // namespace

void learn_server(Tools tools) {
    ModuleState& shared = tools.shared;
    shared.renames_over = renames_over(tools);
    if (tools.options.publish == Publish::direct || !shared.renames_over) {
        check_stores_over(tools);
    }
    warn_of_names(tools);
    if (tools.options.mirrors && tools.control.features().mfmt) {
        shared.sets_times = can_set_times(tools);
    }
    bool doubles = true;
    if (try_doubled_iac(tools, doubles).ok()) {
        shared.doubles_iac = doubles;
        shared.probed = true;
    }
}

bool renames_over(Tools tools) {
    tools.shared.has_temp_dir = true;
    make_temp_dir(tools);
    Control& control = tools.control;
    const std::string from = tools.shared.temp_names.next(tools.options);
    const std::string to = tools.shared.temp_names.next(tools.options);
    Reply stored = store_at(tools, from, one_byte);
    if (stored.completed()) {
        stored = store_at(tools, to);
    }
    if (!stored.completed()) {
        // One that is there, and closed for now, is another matter than that none can be made.
        const bool closed =
            tools.options.publish == Publish::rename && control.is_directory(tools.options.temp_dir);
        if (closed || !refuses_for_good(stored) || !can_store_beside(tools)) {
            throw StatusError(store_failure(stored));
        }
        tools.shared.has_temp_dir = false;
        return false;
    }
    const Reply ready = control.call(control.with_path("RNFR", from));
    const Reply renamed = ready.intermediate() ? control.call(control.with_path("RNTO", to)) : ready;
    const bool replaced =
        ready.intermediate() && renamed.completed() && size_of_trial(tools, to) == one_byte.size();
    remove_trial(tools, to);
    if (!replaced) {
        remove_trial(tools, from);
    }
    // By 451 Pure-FTPd means a rename that fails, for whatever reason.
    if (renamed.passing_failure() && renamed.code != 451) {
        throw StatusError(
            session_failure(renamed, During::request, "try out whether a rename replaces a file"));
    }
    return replaced;
}

void check_stores_over(Tools tools) {
    const std::string path = path_of_trial(tools);
    for (const std::string_view content : {std::string_view(), one_byte}) {
        const Reply stored = store_at(tools, path, content);
        if (!stored.completed() && !(refuses_for_good(stored) && has_size(tools, path))) {
            throw StatusError(store_failure(stored));
        }
        const std::uint64_t size = size_of_trial(tools, path);
        if (stored.completed() && size != content.size()) {
            refuse_other_name(tools, path);
        }
    }
    if (!tools.shared.has_temp_dir) {
        // While there is a dot-name to be listed.
        std::vector<ListedEntry> entries;
        tools.shared.lists = !is_for_good(Lookup(tools).list("", entries));
    }
    remove_trial(tools, path);
}

bool can_set_times(Tools tools) {
    constexpr std::int64_t some_time_ns = 1'000'000'000LL * 1'000'000'000;  // in 2001
    const std::string path = path_of_trial(tools);
    const bool stored = store_at(tools, path).completed();
    Control& control = tools.control;
    const std::string command = control.with_path("MFMT " + format_time_value(some_time_ns), path);
    const bool refused = stored && control.call(command).permanent_failure();
    remove_trial(tools, path);
    return !refused;
}

Status try_doubled_iac(Tools tools, bool& doubles) {
    make_temp_dir(tools);
    std::string path = tools.shared.temp_names.next(tools.options);
    path.insert(path.rfind('/') + 1, ".");
    const std::string command = path + "\xff\xff";
    const NameRules as_is{false};
    const Reply stored = store(tools, command_with_path("STOR", command, as_is));
    Status status;
    std::vector<ListedEntry> entries;
    if (stored.completed()) {
        status = Lookup(tools).list(tools.options.temp_dir, entries);
        tools.shared.lists = !is_for_good(status);
        (void)tools.control.call(command_with_path("DELE", command, as_is));
    } else {
        status = reply_failure(stored, During::transfer, "make a temporary file");
    }
    if (!status.ok()) {
        doubles = true;
        return is_for_good(status) ? Status{} : status;
    }
    doubles = std::none_of(entries.begin(), entries.end(), [&](const ListedEntry& entry) {
        return join(tools.options.temp_dir, entry.name) == command;
    });
    return {};
}

void learn_clock(Tools tools) {
    ModuleState& shared = tools.shared;
    const auto now = [] { return ServerClock::Time(std::chrono::system_clock::now().time_since_epoch()); };
    if (!shared.clock.is_due(now())) {
        return;
    }
    make_temp_dir(tools);
    const std::string path = path_of_trial(tools);
    const ServerClock::Time before = now();
    const bool stored = store_at(tools, path).completed();
    const ServerClock::Time after = now();
    if (stored) {
        if (const auto told = time_of_trial(tools, path)) {
            shared.clock.note({before, after, ServerClock::Time{*told}});
        }
    }
    remove_trial(tools, path);
    shared.clock.note_try(now());
}

/// Another session may have learnt it meanwhile.
Status learn_name_rules(Tools tools) {
    ModuleState& shared = tools.shared;
    if (!shared.probed) {
        bool doubles = true;
        if (const Status status = try_doubled_iac(tools, doubles); !status.ok()) {
            if (status.scope() != StatusScope::item) {
                throw StatusError(status);
            }
            return {StatusCode::unreachable, StatusScope::item,
                    "it cannot be told how the server reads the byte 255 in a name: " +
                        std::string(status.text())};
        }
        shared.doubles_iac = doubles;
        shared.probed = true;
    }
    tools.control.set_name_rules({shared.doubles_iac});
    return {};
}

Status check_name_read(Tools tools, std::string_view path) {
    return has_byte_255(path) ? learn_name_rules(tools) : Status{};
}

Status rename_failure(const Reply& reply, std::string_view doing) {
    return reply.passing_failure() && reply.code != 451 ? session_failure(reply, During::request, doing)
                                                        : reply_failure(reply, During::request, doing);
}

Status refused_name(Tools tools, std::string_view path, const Status& refusal) {
    if (refusal.scope() != StatusScope::item || !parent_of(path).empty()) {
        return refusal;
    }
    Control& control = tools.control;
    const std::string from = tools.shared.temp_names.next(tools.options);
    if (const Reply stored = store_at(tools, from); !stored.completed()) {
        return store_failure(stored);
    }
    const std::string neutral = path_beside(tools);
    const bool placed = control.call(control.with_path("RNFR", from)).intermediate() &&
                        control.call(control.with_path("RNTO", neutral)).completed();
    remove_trial(tools, placed ? neutral : from);
    return placed ? refusal
                  : Status(refusal.code(), StatusScope::session, refusal.text(), refusal.protocol_code());
}

}  // namespace mistamover::ftp
