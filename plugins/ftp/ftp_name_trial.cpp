// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_name_trial.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_path.hpp"
#include "ftp/ftp_probe.hpp"
#include "ftp/ftp_trial.hpp"

namespace mistamover::ftp {
namespace {

/// Whether the listing, or else MLST, shows it under that very name.
Status tell_name(Tools tools, const std::string& path, bool& kept) {
    std::vector<ListedEntry> entries;
    const Status listed = Lookup(tools).list(parent_of(path), entries);
    kept = std::any_of(entries.begin(), entries.end(),
                       [&](const ListedEntry& entry) { return is_shown_as(path, entry.name); });
    const bool would_show = tools.shared.lists_hidden || !name_of(path).starts_with('.');
    if (kept || (listed.ok() && would_show) || listed.scope() != StatusScope::item) {
        return listed;
    }
    if (tools.control.features().mlst && listed.protocol_code() / 100 != 4) {
        if (const auto shown = read_mlst(tools.control.call(tools.control.with_path("MLST", path)))) {
            kept = is_shown_as(path, shown->name);
            return {};
        }
    }
    const bool for_now = listed.protocol_code() / 100 == 4;
    return {StatusCode::unsupported, for_now ? StatusScope::session : StatusScope::item,
            "it cannot be told whether the server keeps the name: " +
                std::string(listed.ok() ? "it lists no name that begins with a dot" : listed.text()),
            listed.protocol_code()};
}

/// `kept` is set where the Status is ok; otherwise another try may tell.
Status try_name(Tools tools, const std::string& name, bool& kept) {
    make_temp_dir(tools);
    const std::string path = tools.shared.has_temp_dir ? join(tools.options.temp_dir, name) : name;
    const Reply stored = store_at(tools, path);
    if (!stored.completed()) {
        kept = false;
        return refuses_for_good(stored) && can_store(tools) ? Status{} : store_failure(stored);
    }
    const Status told = tell_name(tools, path, kept);
    // Where it has another name, the stream's cleaning up finds it.
    remove_trial(tools, path);
    return told;
}

std::string front_of_trial(Tools tools) {
    const std::string unique = tools.shared.temp_names.next(tools.options);
    return (tools.shared.has_temp_dir ? "" : tools.options.temp_dir + '.') + "kept." +
           std::string(name_of(unique));
}

Status changes_name(std::string_view name, std::string_view why) {
    return {StatusCode::unsupported, StatusScope::item,
            "the server changes the name: " + std::string(why) + ": " + printable(name)};
}

Status check_marks_kept(Tools tools, std::string_view name) {
    KeptNames& known = tools.shared.kept_names;
    const NameMarks marks = marks_in(name);
    if (known.about(marks) == KeptNames::Known::nothing) {
        bool all_kept = true;
        for (const std::string& trial : trial_names(name, front_of_trial(tools))) {
            bool kept = false;
            if (const Status status = try_name(tools, trial, kept); !status.ok()) {
                return status;
            }
            all_kept = all_kept && kept;
        }
        known.note(marks, all_kept);
    }
    return known.about(marks) == KeptNames::Known::kept
               ? Status{}
               : changes_name(name, "it does not keep all of its characters");
}

/// Names that differ only behind what the server cuts off would be one. Where that cannot be told, it is not
/// assumed of it.
Status check_length_kept(Tools tools, std::string_view name) {
    KeptNames& known = tools.shared.kept_names;
    if (tools.shared.lists && known.about(name.size()) == KeptNames::Known::nothing) {
        std::string trial = front_of_trial(tools);
        trial.resize(std::max(trial.size(), name.size()), 'x');
        bool kept = false;
        const Status status = try_name(tools, trial, kept);
        if (status.scope() != StatusScope::item) {
            return status;
        }
        known.note(name.size(), kept || !status.ok());
    }
    return known.about(name.size()) == KeptNames::Known::changed
               ? changes_name(name, "it does not keep names of that length")
               : Status{};
}

}  // namespace

Status check_name_kept(Tools tools, std::string_view path) {
    Status status = check_name_read(tools, path);
    while (status.ok() && !path.empty()) {
        const std::string_view name = name_of(path);
        path = parent_of(path);
        status = check_marks_kept(tools, name);
        if (status.ok()) {
            status = check_length_kept(tools, name);
        }
    }
    if (status.scope() != StatusScope::item) {
        throw StatusError(status);
    }
    return status;
}

}  // namespace mistamover::ftp
