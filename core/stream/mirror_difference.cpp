// SPDX-License-Identifier: BSD-3-Clause
#include "stream/mirror_difference.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>

namespace mistamover::stream {
namespace {

constexpr std::int64_t one_second_ns = 1'000'000'000;

using Targets = std::unordered_map<std::string, const TargetEntry*>;

/// The source's time as a target may have it: times of whole seconds may have 32 bits without a sign, and
/// then the first or the last of them stands for all that lie beyond.
std::int64_t as_at_target(std::int64_t source_ns, const EntryInfo& target) {
    constexpr std::int64_t last_ns = std::int64_t{UINT32_MAX} * one_second_ns;
    if (target.mtime_precision_ns < one_second_ns) {
        return source_ns;
    }
    if (target.mtime_ns == 0) {
        return std::max<std::int64_t>(source_ns, 0);
    }
    return target.mtime_ns == last_ns ? std::min(source_ns, last_ns) : source_ns;
}

bool same_time(std::int64_t source_ns, const EntryInfo& target, bool target_keeps_times) {
    if (target.mtime_precision_ns == 0) {
        return true;  // the target tells no times: the size must do
    }
    if (!target_keeps_times) {
        // It is cut to the second, but a coarser one may be off either way: of a server whose zone is
        // unknown.
        const bool is_coarse = target.mtime_precision_ns > one_second_ns;
        return source_ns <= target.mtime_ns - (is_coarse ? target.mtime_precision_ns : 0);
    }
    return std::abs(as_at_target(source_ns, target) - target.mtime_ns) < target.mtime_precision_ns;
}

bool same(const ManifestEntry& source, const EntryInfo& target, bool target_keeps_times) {
    if (source.identity.kind == EntryKind::directory) {
        return true;
    }
    return source.identity.size == target.size &&
           same_time(source.identity.mtime_ns, target, target_keeps_times);
}

std::vector<std::string> in_reverse(const std::vector<std::string>& paths) {
    return {paths.rbegin(), paths.rend()};
}

bool lies_in(const std::string& path, const std::string& directory) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

}  // namespace

MirrorDifference mirror_difference(const MirrorSource& source, const std::vector<TargetEntry>& target,
                                   bool target_keeps_times) {
    Targets at_target;
    for (const TargetEntry& entry : target) {
        at_target.emplace(entry.path, &entry);
    }
    MirrorDifference difference;
    std::unordered_map<std::string, EntryKind> at_source;
    for (const ManifestEntry& entry : source.entries) {
        at_source.emplace(entry.path, entry.identity.kind);
        if (source.unsettled.contains(entry.path)) {
            continue;
        }
        const auto found = at_target.find(entry.path);
        if (found == at_target.end() || found->second->info.kind != entry.identity.kind ||
            !same(entry, found->second->info, target_keeps_times)) {
            difference.send.push_back(&entry);
        }
    }
    // The last directory that is something else at the source, and whether all that is in it goes or stays.
    std::string other;
    bool other_goes = false;
    std::vector<std::string> replace;
    std::vector<std::string> vanished;
    for (const TargetEntry& entry : target) {
        const auto found = at_source.find(entry.path);
        const bool is_other = found != at_source.end() && found->second != entry.info.kind;
        if (is_other) {
            other = entry.path;
            other_goes = !source.unsettled.contains(entry.path);
        }
        if (is_other || (!other.empty() && lies_in(entry.path, other))) {
            if (other_goes) {
                replace.push_back(entry.path);
            }
        } else if (found == at_source.end()) {
            vanished.push_back(entry.path);
        }
    }
    difference.replace = in_reverse(replace);
    difference.vanished = in_reverse(vanished);
    return difference;
}

}  // namespace mistamover::stream
