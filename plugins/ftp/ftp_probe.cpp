// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_probe.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {
namespace {

Reply store_empty(Tools tools, const std::string& command) {
    OpenedData data = tools.data.open(command, false);
    if (!data.wire) {
        return data.refusal;
    }
    data.wire->finish_writing();
    return tools.data.end_of_transfer();
}

void make_temp_dir(Tools tools) {
    (void)tools.control.call(tools.control.with_path("MKD", tools.options.temp_dir));
}

/// Whether it will always be so for that name: not for want of space, of a connection or of luck.
bool is_for_good(const Status& refusal) {
    return refusal.scope() == StatusScope::item && refusal.protocol_code() / 100 == 5;
}

/// `found` is set where the Status is ok; otherwise another try may tell.
Status try_odd_name(Tools tools, OddNames& found) {
    make_temp_dir(tools);
    const std::string unique = tools.shared.temp_names.next(tools.options);
    const std::string odd =
        join(tools.options.temp_dir, " \t" + unique.substr(unique.rfind('/') + 1) + "\033 ");
    const Reply stored = store_empty(tools, tools.control.with_path("STOR", odd));
    if (!stored.completed()) {
        const Status refusal = reply_failure(stored, During::transfer, "make a temporary file");
        found = OddNames::changed;
        return is_for_good(refusal) ? Status{} : refusal;
    }
    std::vector<ListedEntry> entries;
    const Status listed = Lookup(tools).list(tools.options.temp_dir, entries);
    const bool kept = std::any_of(entries.begin(), entries.end(), [&](const ListedEntry& entry) {
        return join(tools.options.temp_dir, entry.name) == odd;
    });
    // Where it has another name, the stream's cleaning up finds it.
    (void)tools.control.call(tools.control.with_path("DELE", odd));
    found = kept ? OddNames::kept : OddNames::changed;
    return listed;
}

}  // namespace

bool renames_over(Tools tools) {
    make_temp_dir(tools);
    Control& control = tools.control;
    const std::string from = tools.shared.temp_names.next(tools.options);
    const std::string to = tools.shared.temp_names.next(tools.options);
    for (const std::string& path : {from, to}) {
        const Reply stored = store_empty(tools, control.with_path("STOR", path));
        if (!stored.completed()) {
            throw StatusError(session_failure(stored, During::transfer, "make a temporary file"));
        }
    }
    const Reply ready = control.call(control.with_path("RNFR", from));
    const Reply renamed = ready.intermediate() ? control.call(control.with_path("RNTO", to)) : ready;
    const bool replaced = ready.intermediate() && renamed.completed();
    (void)control.call(control.with_path("DELE", to));
    if (!replaced) {
        (void)control.call(control.with_path("DELE", from));
    }
    // By 451 Pure-FTPd means a rename that fails, for whatever reason.
    if (renamed.passing_failure() && renamed.code != 451) {
        throw StatusError(
            session_failure(renamed, During::request, "try out whether a rename replaces a file"));
    }
    return replaced;
}

Status try_doubled_iac(Tools tools, bool& doubles) {
    make_temp_dir(tools);
    std::string path = tools.shared.temp_names.next(tools.options);
    path.insert(path.rfind('/') + 1, ".");
    const std::string command = path + "\xff\xff";
    const NameRules as_is{false};
    const Reply stored = store_empty(tools, command_with_path("STOR", command, as_is));
    Status status;
    std::vector<ListedEntry> entries;
    if (stored.completed()) {
        status = Lookup(tools).list(tools.options.temp_dir, entries);
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

Status check_name_kept(Tools tools, std::string_view path) {
    if (Status status = check_name_read(tools, path); !status.ok()) {
        return status;
    }
    if (!has_odd_name(path)) {
        return {};
    }
    auto& odd_names = tools.shared.odd_names;
    if (odd_names == OddNames::unknown) {
        OddNames found{};
        const Status status = try_odd_name(tools, found);
        if (!status.ok()) {
            if (status.scope() != StatusScope::item) {
                throw StatusError(status);
            }
            return status;
        }
        odd_names = found;
    }
    if (odd_names == OddNames::kept) {
        return {};
    }
    return {StatusCode::unsupported, StatusScope::item,
            "the server changes the name: it keeps no control characters, or no blanks at the ends: " +
                printable(path)};
}

}  // namespace mistamover::ftp
