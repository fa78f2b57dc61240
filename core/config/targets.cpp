// SPDX-License-Identifier: BSD-3-Clause
#include "config/targets.hpp"

#include <algorithm>
#include <fnmatch.h>

#include "config/combinations.hpp"
#include "config/keys.hpp"

namespace mistamover::config {
namespace {

// Empty where it is not set.
std::string option_of(const StreamSettings& stream, const std::string& name) {
    const auto option = stream.plugin_options.find(name);
    return option == stream.plugin_options.end() || option->second.empty() ? "" : option->second.front();
}

std::string in_lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

constexpr const char* rsync_daemon_paths = "rsync daemon";

// sftp and rsync see one host through ssh, and the same paths.
std::string paths_of(const StreamSettings& stream) {
    const std::string module = plugin_section(stream.outgoing.plugin);
    if (target_is_local(stream)) {
        return local_paths;
    }
    if (module == "rsync") {
        return option_of(stream, "transport") == "daemon" ? rsync_daemon_paths : "ssh";
    }
    return module == "sftp" ? "ssh" : module;
}

bool is_bundled(const std::string& module) {
    const std::vector<std::string>& known = bundled_modules();
    return std::find(known.begin(), known.end(), module) != known.end();
}

bool matches_one(const std::vector<std::string>& globs, const std::string& name) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
}

bool differ(const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
}

bool excludes_what_is_included(const StreamTarget& target, const StreamTarget& other) {
    return !other.include.empty() &&
           std::all_of(other.include.begin(), other.include.end(), [&](const std::string& glob) {
               return std::find(target.exclude.begin(), target.exclude.end(), glob) != target.exclude.end();
           });
}

}  // namespace

bool target_is_local(const StreamSettings& stream) {
    const std::string module = plugin_section(stream.outgoing.plugin);
    return module == "local" || (module == "rsync" && option_of(stream, "transport") == "local");
}

StreamTarget target_of(const StreamSettings& stream) {
    const OutgoingSettings& out = stream.outgoing;
    StreamTarget target;
    if (out.plugin.empty() || out.plugin == "none" || out.target_dir.empty()) {
        return target;
    }
    target.paths_of = paths_of(stream);
    const std::filesystem::path directory(out.target_dir);
    const bool is_whole = directory.is_absolute() || target.paths_of == rsync_daemon_paths;
    target.directory = normal_path(is_whole ? directory : std::filesystem::path("~") / directory);
    target.deletes = out.mode == TransferMode::mirror && out.mirror_delete;
    target.has_own_ways = !is_bundled(plugin_section(out.plugin));
    target.include = out.include;
    target.exclude = out.exclude;
    if (target.paths_of != local_paths) {
        target.host = in_lower_case(out.target_host);
        target.port = option_of(stream, "port");
        target.username = target.paths_of == rsync_daemon_paths ? "" : option_of(stream, "username");
    }
    return target;
}

// Accounts may have roots of their own, or not. A false alarm about two mirrors would have no remedy, and two
// that do share a place lose nothing but time; a moved file would be lost.
bool may_share_paths(const StreamTarget& a, const StreamTarget& b) {
    const bool may_be_apart = differ(a.username, b.username) || a.has_own_ways;
    const bool begins_at_login = differ(a.username, b.username) && a.directory.string().starts_with('~');
    return a.paths_of == b.paths_of && a.host == b.host && !differ(a.port, b.port) && !begins_at_login &&
           !(may_be_apart && a.deletes && b.deletes);
}

bool share_by_globs(const StreamTarget& a, const StreamTarget& b) {
    return a.deletes && b.deletes && a.directory == b.directory &&
           (excludes_what_is_included(a, b) || excludes_what_is_included(b, a));
}

bool may_change(const StreamTarget& target, const std::filesystem::path& path) {
    if (!lies_in(path, target.directory)) {
        return false;
    }
    const std::filesystem::path below =
        std::filesystem::path(normal_path(path)).lexically_relative(target.directory);
    const std::string entry = below.begin()->string();
    return entry == "." || (!entry.starts_with('.') && !matches_one(target.exclude, entry) &&
                            (target.include.empty() || matches_one(target.include, entry)));
}

}  // namespace mistamover::config
