// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/mirror_filter.hpp"

#include <string_view>

namespace mistamover::rsync {
namespace {

constexpr std::string_view wildcards = "*?[";

void add_rule(std::string& rules, char sign, std::string_view pattern) {
    rules += sign;
    rules += " /";
    rules += pattern;
    rules += '\0';
}

// A backslash escapes only where the pattern has a wildcard; without one it is an ordinary character.
std::string literal(std::string_view path) {
    if (path.find_first_of(wildcards) == std::string_view::npos) {
        return std::string(path);
    }
    std::string pattern;
    for (const char c : path) {
        if (c == '\\' || wildcards.find(c) != std::string_view::npos) {
            pattern += '\\';
        }
        pattern += c;
    }
    return pattern;
}

// To rsync, "**" goes across directories.
std::string top_level_glob(std::string_view glob) {
    std::string pattern;
    for (const char c : glob) {
        if (c != '*' || !pattern.ends_with('*') || pattern.ends_with("\\*")) {
            pattern += c;
        }
    }
    return pattern;
}

}  // namespace

std::string filter_rules(const MirrorRequest& request) {
    std::string rules;
    for (const std::string_view path : request.excluded) {
        add_rule(rules, '-', literal(path));
    }
    add_rule(rules, '-', ".*");
    for (const std::string_view glob : request.excluded_globs) {
        add_rule(rules, '-', top_level_glob(glob));
    }
    for (const std::string_view glob : request.included_globs) {
        add_rule(rules, '+', top_level_glob(glob));
    }
    if (!request.included_globs.empty()) {
        add_rule(rules, '-', "*");
    }
    rules += "+ *";
    rules += '\0';
    return rules;
}

// Rules of the receiver alone: the sender hides nothing.
std::string removal_rules(std::span<const std::string_view> paths) {
    std::string rules;
    for (const std::string_view path : paths) {
        add_rule(rules, 'R', literal(path));
    }
    return rules;
}

}  // namespace mistamover::rsync
