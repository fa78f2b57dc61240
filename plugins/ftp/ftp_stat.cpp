// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_stat.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {

void Stat::run(const Indices& asked) {
    if (tools_.control.features().mlst) {
        look_by_mlst(asked);
    } else {
        look_by_size(asked);
    }
    for (const auto& [index, reply] : refused_) {
        sink_.entry(index, why_not(index, reply), {});
    }
}

Status Stat::why_not(std::size_t index, const Reply& reply) {
    const std::string_view path = paths_[index];
    return reply.completed() ? not_understood(reply, "look at " + std::string(path))
                             : lookup_.refusal(reply, "look at", path);
}

void Stat::look_by_mlst(const Indices& asked) {
    std::vector<std::pair<std::size_t, EntryInfo>> renamed;
    Refusals unclear;
    in_windows(tools_.control, asked.size(), [&](std::size_t number) {
        const std::size_t index = asked[number];
        const auto take = [&, index](const Reply& reply) {
            const auto entry = read_mlst(reply);
            if (!reply.completed()) {
                refused_.emplace_back(index, reply);
            } else if (!entry) {
                unclear.emplace_back(index, reply);
            } else if (is_shown_as(paths_[index], entry->name)) {
                sink_.entry(index, {}, entry->info);
            } else {
                renamed.emplace_back(index, entry->info);
            }
        };
        tools_.control.queue(tools_.control.with_path("MLST", paths_[index]), take);
    });
    // It may be said in another form, such as that of a link's aim; the listing has the names.
    for (const auto& [index, info] : renamed) {
        sink_.entry(index, lookup_.check_shown(paths_[index]), info);
    }
    look_otherwise(unclear);
}

/// What MLST tells of in a form that is not understood may be a file that has a size, or a directory that can
/// be entered. Of anything else nothing is known, least of all that it is not there.
void Stat::look_otherwise(const Refusals& unclear) {
    Indices asked;
    std::map<std::size_t, Reply> said;
    for (const auto& [index, reply] : unclear) {
        asked.push_back(index);
        said.emplace(index, reply);
    }
    for (const auto& [index, reply] : tell_sizes(asked)) {
        if (!tell_directory(index)) {
            refused_.emplace_back(index, said.at(index));
        }
    }
}

void Stat::look_by_size(const Indices& asked) {
    for (const auto& [index, reply] : tell_sizes(asked)) {
        if (reply.code != 550 || !tell_directory(index)) {
            refused_.emplace_back(index, reply);
        }
    }
}

/// Tells of all that have a size, and returns the others.
Stat::Refusals Stat::tell_sizes(const Indices& asked) {
    Refusals others;
    in_windows(tools_.control, asked.size(), [&](std::size_t number) {
        const std::size_t index = asked[number];
        const auto take = [&, index](const Reply& reply) {
            if (const auto size = size_of(reply)) {
                EntryInfo info;
                info.size = *size;
                sink_.entry(index, {}, info);
            } else {
                others.emplace_back(index, reply);
            }
        };
        tools_.control.queue(tools_.control.with_path("SIZE", paths_[index]), take);
    });
    return others;
}

bool Stat::tell_directory(std::size_t index) {
    EntryInfo info;
    info.kind = EntryKind::directory;
    const bool is_one = tools_.control.is_directory(paths_[index]);
    if (is_one) {
        sink_.entry(index, {}, info);
    }
    return is_one;
}

}  // namespace mistamover::ftp
