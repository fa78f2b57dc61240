// SPDX-License-Identifier: BSD-3-Clause
#include "config/combinations.hpp"

#include <array>
#include <optional>

#include <mistamover/units.hpp>

#include "config/targets.hpp"

namespace mistamover::config {
namespace {

using Found = std::vector<Conflict>;
using Others = std::vector<std::pair<std::string, std::string>>;

// Entries with a dot in front are never sent.
bool would_be_sent(const std::filesystem::path& inner, const std::filesystem::path& directory) {
    if (!lies_in(inner, directory)) {
        return false;
    }
    const std::filesystem::path below = inner.lexically_normal().lexically_relative(normal_path(directory));
    const std::string first = below.begin()->string();
    return first == "." || !first.starts_with('.');
}

bool needs_host(const StreamSettings& stream) {
    const std::string module = plugin_section(stream.outgoing.plugin);
    return module == "ftp" || module == "sftp" || (module == "rsync" && !target_is_local(stream));
}

// The arrivals monitor knows a control file by how its name ends.
void check_extensions(const std::string& section, const std::array<std::string, 3>& extensions,
                      Found& found) {
    constexpr std::array keys{"control_file_extension", "receipt_file_extension", "thankyou_file_extension"};
    for (std::size_t i = 1; i < keys.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const bool clash = ("." + extensions.at(i)).ends_with("." + extensions.at(j)) ||
                               ("." + extensions.at(j)).ends_with("." + extensions.at(i));
            if (clash) {
                found.push_back(
                    {section,
                     keys.at(i),
                     std::string("cannot be told from ") + keys.at(j) + "; one ends like the other",
                     {{section, keys.at(j)}}});
            }
        }
    }
}

void check_mirror(const StreamSettings& stream, Found& found) {
    const OutgoingSettings& out = stream.outgoing;
    if (out.mode != TransferMode::mirror) {
        if (out.max_delete) {
            found.push_back({"outgoing",
                             "max_delete",
                             "applies to transfer_mode: mirror only",
                             {{"outgoing", "transfer_mode"}}});
        }
        return;
    }
    if (out.target_uses_arrival_monitor) {
        found.push_back(
            {"outgoing",
             "transfer_mode",
             "mirror cannot be used with the arrivals protocol: set target_uses_arrival_monitor: false, "
             "or transfer_mode: move",
             {{"outgoing", "target_uses_arrival_monitor"}}});
    }
    if (stream.deletion_enabled) {
        found.push_back(
            {"data_stream",
             "deletion_enabled",
             "must be false with transfer_mode: mirror, which never touches the source, and would "
             "delete at the target what is deleted here",
             {{"outgoing", "transfer_mode"}}});
    }
    if (out.directories == DirectoryForm::zip) {
        found.push_back({"outgoing",
                         "directories",
                         "must be tree with transfer_mode: mirror",
                         {{"outgoing", "transfer_mode"}}});
    }
}

void check_target(const StreamSettings& stream, Found& found) {
    const OutgoingSettings& out = stream.outgoing;
    const Others local_target{
        {"outgoing", "plugin"}, {"data_stream", "directory"}, {plugin_section(out.plugin), "transport"}};
    if (out.target_dir.empty()) {
        found.push_back({"outgoing", "target_dir", "must be set: the directory at the target"});
        return;
    }
    if (needs_host(stream) && out.target_host.empty()) {
        found.push_back(
            {"outgoing", "target_host", "must be set: the host to which this module sends", local_target});
    }
    if (!target_is_local(stream)) {
        return;
    }
    if (!out.target_dir.starts_with('/')) {
        found.push_back(
            {"outgoing", "target_dir", "must be an absolute path: the target is on this host", local_target});
    } else if (lies_in(out.target_dir, stream.directory)) {
        found.push_back({"outgoing", "target_dir", "lies inside the stream's own directory", local_target});
    } else if (lies_in(stream.directory, out.target_dir) && out.mode == TransferMode::mirror) {
        Others others = local_target;
        others.emplace_back("outgoing", "transfer_mode");
        found.push_back({"outgoing", "target_dir",
                         "holds the stream's directory, which the mirror would delete", others});
    }
}

// Another stream's directories are compared in stream_conflicts.
void check_mirror_target(const StreamSettings& stream, Found& found) {
    const StreamTarget target = target_of(stream);
    if (!target.deletes || !target_is_local(stream) || lies_in(stream.directory, target.directory)) {
        return;
    }
    const std::filesystem::path none;
    const std::array<std::pair<const char*, const std::filesystem::path*>, 5> kept{
        {{"incoming.directory", stream.incoming.require_arrival_monitor ? &stream.incoming.directory : &none},
         {"outgoing.quarantine_dir", &stream.outgoing.quarantine_dir},
         {"global.run_dir", &stream.global.run_dir},
         {"logging.base_log_dir", &stream.global.logging.base_log_dir},
         {"global.config_dir", &stream.global.config_dir}}};
    for (const auto& [name, path] : kept) {
        if (may_change(target, *path)) {
            found.push_back({"outgoing",
                             "target_dir",
                             std::string("is or holds ") + name + ", which the mirror would delete",
                             {{"outgoing", "plugin"},
                              {plugin_section(stream.outgoing.plugin), "transport"},
                              {"outgoing", "transfer_mode"},
                              {"outgoing", "mirror_delete"},
                              {"data_stream", "directory"},
                              {"incoming", "directory"},
                              {"outgoing", "quarantine_dir"}}});
        }
    }
}

void check_quarantine(const StreamSettings& stream, Found& found) {
    const std::filesystem::path& quarantine = stream.outgoing.quarantine_dir;
    if (quarantine.empty() || stream.directory.empty()) {
        return;
    }
    const Others others{{"data_stream", "directory"}};
    if (lies_in(stream.directory, quarantine)) {
        found.push_back(
            {"outgoing", "quarantine_dir", "must not hold the stream's directory, or be it", others});
    } else if (lies_in(quarantine, stream.directory) &&
               normal_path(quarantine.lexically_normal().parent_path()) != normal_path(stream.directory)) {
        found.push_back(
            {"outgoing", "quarantine_dir",
             "lies in a subdirectory of the stream's directory, with which it would be sent: put it "
             "directly into the stream's directory, or elsewhere",
             others});
    }
}

void check_incoming(const StreamSettings& stream, Found& found) {
    const IncomingSettings& in = stream.incoming;
    const Others others{{"data_stream", "directory"}, {"incoming", "require_arrival_monitor"}};
    if (would_be_sent(in.directory, stream.directory)) {
        found.push_back({"incoming", "directory",
                         "lies inside the stream's directory: what is still arriving would be sent on",
                         others});
    }
    check_extensions("incoming",
                     {in.control_file_extension, in.receipt_file_extension, in.thankyou_file_extension},
                     found);
}

// The program's own files must not be taken for data.
void check_own_files(const StreamSettings& stream, Found& found) {
    const char* const harm = stream.outgoing.plugin == "none"
                                 ? ", which deletion_enabled would have deleted when a disk fills"
                                 : ", which would be sent as data";
    const std::array<std::pair<const char*, const std::filesystem::path*>, 3> own{
        {{"global.run_dir", &stream.global.run_dir},
         {"logging.base_log_dir", &stream.global.logging.base_log_dir},
         {"global.config_dir", &stream.global.config_dir}}};
    for (const auto& [name, path] : own) {
        if (would_be_sent(*path, stream.directory)) {
            found.push_back(
                {"data_stream", "directory", std::string("holds the program's own ") + name + harm});
        }
    }
}

// A directory besides the stream's own of which entries are deleted must hold nothing but units.
void check_deletable(const StreamSettings& stream, const std::string& section, const std::string& key,
                     const std::filesystem::path& deletable, Found& found) {
    const std::filesystem::path target = target_is_local(stream) ? target_of(stream).directory : "";
    const std::array<std::pair<const char*, const std::filesystem::path*>, 5> kept{
        {{"data_stream.directory", &stream.directory},
         {"outgoing.target_dir", &target},
         {"global.run_dir", &stream.global.run_dir},
         {"logging.base_log_dir", &stream.global.logging.base_log_dir},
         {"global.config_dir", &stream.global.config_dir}}};
    for (const auto& [name, path] : kept) {
        if (lies_in(*path, deletable)) {
            found.push_back({section,
                             key,
                             std::string("is or holds ") + name +
                                 ", which deletion_enabled would have deleted when a disk fills",
                             {{"data_stream", "deletion_enabled"},
                              {"data_stream", "directory"},
                              {"outgoing", "plugin"},
                              {plugin_section(stream.outgoing.plugin), "transport"},
                              {"outgoing", "target_dir"}}});
        }
    }
}

void check_deletion(const StreamSettings& stream, Found& found) {
    const std::filesystem::path& quarantine = stream.outgoing.quarantine_dir;
    check_deletable(stream, "outgoing", "quarantine_dir", quarantine, found);
    if (!stream.incoming.require_arrival_monitor) {
        return;
    }
    const std::filesystem::path& incoming = stream.incoming.directory;
    check_deletable(stream, "incoming", "directory", incoming, found);
    const Others others{{"data_stream", "deletion_enabled"},
                        {"incoming", "directory"},
                        {"incoming", "require_arrival_monitor"},
                        {"outgoing", "quarantine_dir"}};
    if (lies_in(incoming, quarantine)) {
        found.push_back({"outgoing", "quarantine_dir",
                         "is or holds incoming.directory, which deletion_enabled would have deleted when a "
                         "disk fills",
                         others});
    } else if (lies_in(quarantine, incoming)) {
        found.push_back({"incoming", "directory",
                         "holds outgoing.quarantine_dir, which deletion_enabled would have deleted when a "
                         "disk fills",
                         others});
    }
}

void check_outgoing(const StreamSettings& stream, Found& found) {
    const OutgoingSettings& out = stream.outgoing;
    check_target(stream, found);
    check_mirror_target(stream, found);
    check_mirror(stream, found);
    check_quarantine(stream, found);
    if (out.target_uses_arrival_monitor) {
        check_extensions(
            "outgoing", {out.control_file_extension, out.receipt_file_extension, out.thankyou_file_extension},
            found);
        if (out.directories == DirectoryForm::tree) {
            found.push_back({"outgoing",
                             "directories",
                             "must be zip with the arrivals protocol, which knows single files only",
                             {{"outgoing", "target_uses_arrival_monitor"}}});
        }
    }
}

}  // namespace

std::string normal_path(const std::filesystem::path& path) {
    std::string text = path.lexically_normal().string();
    while (text.size() > 1 && text.back() == '/') {
        text.pop_back();
    }
    return text;
}

bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer) {
    if (inner.empty() || outer.empty()) {
        return false;
    }
    const std::string in = normal_path(inner);
    const std::string out = normal_path(outer);
    return in == out || in.starts_with(out == "/" ? out : out + '/');
}

std::vector<Conflict> conflicts(const StreamSettings& stream) {
    Found found;
    if (stream.name.starts_with('.')) {
        found.push_back({"data_stream", "name", "must not begin with a dot"});
    }
    if (stream.incoming.require_arrival_monitor) {
        check_incoming(stream, found);
    }
    if (stream.deletion_enabled) {
        check_deletion(stream, found);
    }
    const bool sends = !stream.outgoing.plugin.empty() && stream.outgoing.plugin != "none";
    if (sends || stream.deletion_enabled) {
        check_own_files(stream, found);
    }
    if (stream.outgoing.plugin.empty()) {
        found.push_back({"outgoing", "plugin",
                         "must be set: the transfer module of this stream, such as rsync or local"});
    } else if (sends) {
        check_outgoing(stream, found);
    } else if (!stream.incoming.require_arrival_monitor) {
        found.push_back(
            {"outgoing",
             "plugin",
             "`none` makes a stream that only receives: set incoming.require_arrival_monitor: true, or "
             "name a plugin",
             {{"incoming", "require_arrival_monitor"}}});
    }
    return found;
}

std::vector<Conflict> global_conflicts(const SettingsMap& settings) {
    constexpr std::array keys{"level_good", "level_low", "level_vlow"};
    Found found;
    const auto section = settings.find("disk_space_monitor");
    std::array<std::optional<ByteCount>, 3> levels;
    std::size_t set = 0;
    for (std::size_t i = 0; i < keys.size() && section != settings.end(); ++i) {
        const auto value = section->second.find(keys.at(i));
        if (value != section->second.end() && !value->second.empty()) {
            levels.at(i) = parse_size(value->second.front());
            ++set;
        }
    }
    for (std::size_t i = 0; i < keys.size() && set > 0; ++i) {
        if (!levels.at(i)) {
            found.push_back({"disk_space_monitor", keys.at(i),
                             "must be set too: level_good, level_low and level_vlow go together"});
        } else if (i > 0 && levels.at(i - 1) && levels.at(i)->bytes >= levels.at(i - 1)->bytes) {
            found.push_back(
                {"disk_space_monitor", keys.at(i), std::string("must be less than ") + keys.at(i - 1)});
        }
    }
    return found;
}

}  // namespace mistamover::config
