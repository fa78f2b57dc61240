// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/file_systems.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <sys/stat.h>

#include "config/settings.hpp"

namespace mistamover::disk_space {
namespace {

constexpr std::size_t longest_label = 100;

int octal_digit(char c) {
    return c >= '0' && c <= '7' ? c - '0' : -1;
}

// The kernel writes white space and backslashes as \040 and so on.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && octal_digit(text[i + 1]) >= 0) {
            plain += static_cast<char>((octal_digit(text[i + 1]) << 6) + (octal_digit(text[i + 2]) << 3) +
                                       octal_digit(text[i + 3]));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

std::string label_of(const std::string& mount_point) {
    std::string label = std::filesystem::path(mount_point).filename().string().substr(0, longest_label);
    for (char& c : label) {
        const auto byte = static_cast<unsigned char>(c);
        c = byte <= ' ' || byte >= 0x7F || c == '\\' ? '_' : c;
    }
    if (!label.empty() && label.front() == '.') {
        label.front() = '_';
    }
    return label.empty() ? "root" : label;
}

// Looks up where directories lie, as long as the mounts stay as they are.
class MountTable {
  public:
    MountTable() {
        std::ifstream file("/proc/self/mountinfo");
        std::ostringstream text;
        text << file.rdbuf();
        for (Mount& mount : parse_mounts(text.str())) {
            mounts_.emplace(mount.id, std::move(mount));
        }
    }

    [[nodiscard]] const Mount* of(std::filesystem::path directory) const {
        struct statx info {};
        while (::statx(AT_FDCWD, directory.c_str(), 0, STATX_MNT_ID, &info) != 0) {
            if (!directory.has_relative_path()) {
                return nullptr;
            }
            directory = directory.parent_path();
        }
        const auto found = mounts_.find(info.stx_mnt_id);
        return found == mounts_.end() ? nullptr : &found->second;
    }

  private:
    std::map<std::uint64_t, Mount> mounts_;
};

// File systems by device. One that is mounted more than once is named by the first of its mount points.
class Groups {
  public:
    FileSystem* at(const std::string& directory) {
        const Mount* mount = directory.empty() ? nullptr : table_.of(directory);
        if (mount == nullptr) {
            return nullptr;
        }
        FileSystem& found = groups_[mount->device];
        found.device = mount->device;
        if (found.mount_point.empty() || mount->point < found.mount_point) {
            found.mount_point = mount->point;
        }
        return &found;
    }

    // The part of the stream that lies on one of them.
    void add(const process::MonitorStream& stream) {
        FileSystem* arrivals = at(stream.arrivals_dir);
        FileSystem* data = at(stream.data_dir);
        FileSystem* quarantine = at(stream.quarantine_dir);
        for (FileSystem* here : std::set<FileSystem*>{arrivals, data, quarantine}) {
            if (here == nullptr) {
                continue;
            }
            process::MonitorStream& part = here->streams.emplace_back(stream);
            part.arrivals_dir = arrivals == here ? stream.arrivals_dir : "";
            part.data_dir = data == here ? stream.data_dir : "";
            part.quarantine_here = quarantine == here;
            std::erase_if(part.stop_files, [&](const std::string& path) {
                return at(std::filesystem::path(path).parent_path().string()) != here;
            });
        }
    }

    [[nodiscard]] std::vector<FileSystem> take() {
        std::vector<FileSystem> all;
        for (auto& [device, group] : groups_) {
            all.push_back(std::move(group));
        }
        return all;
    }

  private:
    MountTable table_;
    std::map<std::string, FileSystem> groups_;
};

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
    std::vector<Mount> mounts;
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        Mount mount;
        std::string parent;
        std::string root;
        std::string point;
        if (fields >> mount.id >> parent >> mount.device >> root >> point) {
            mount.point = unescaped(point);
            mounts.push_back(std::move(mount));
        }
    }
    return mounts;
}

std::map<std::string, std::string> labels(const std::vector<std::string>& mount_points) {
    std::map<std::string, std::string> by_point;
    std::set<std::string> taken;
    for (const std::string& point : std::set<std::string>(mount_points.begin(), mount_points.end())) {
        const std::string wanted = label_of(point);
        std::string label = wanted;
        for (unsigned number = 2; !taken.insert(label).second; ++number) {
            label = wanted + std::to_string(number);
        }
        by_point.emplace(point, label);
    }
    return by_point;
}

process::MonitorStream monitored(const config::Stream& stream) {
    const config::StreamSettings settings = config::stream_settings(stream.settings);
    const config::IncomingSettings& incoming = settings.incoming;
    const config::OutgoingSettings& outgoing = settings.outgoing;
    process::MonitorStream found;
    found.name = settings.name;
    found.priority = settings.priority;
    found.deletion_enabled = settings.deletion_enabled;
    found.data_dir = settings.directory.string();
    found.data_control_extension = outgoing.control_file_extension;
    found.include = outgoing.include;
    found.exclude = outgoing.exclude;
    found.quarantine_dir = outgoing.quarantine_dir.string();
    if (incoming.require_arrival_monitor) {
        found.arrivals_dir = incoming.directory.string();
        found.arrivals_control_extension = incoming.control_file_extension;
        found.stop_files.push_back((incoming.directory / incoming.stop_file).string());
    }
    if (!incoming.require_arrival_monitor || settings.disk_space.stop_outgoing) {
        found.stop_files.push_back((settings.directory / outgoing.stop_file).string());
    }
    return found;
}

std::map<std::string, FileSystem> file_systems(const std::vector<process::MonitorStream>& streams,
                                               const std::vector<std::filesystem::path>& also) {
    Groups groups;
    for (const process::MonitorStream& stream : streams) {
        groups.add(stream);
    }
    for (const std::filesystem::path& directory : also) {
        groups.at(directory.string());
    }
    std::map<std::string, FileSystem> by_label;
    std::vector<FileSystem> all = groups.take();
    std::vector<std::string> points;
    points.reserve(all.size());
    for (const FileSystem& found : all) {
        points.push_back(found.mount_point);
    }
    const std::map<std::string, std::string> names = labels(points);
    for (FileSystem& found : all) {
        by_label.emplace(names.at(found.mount_point), std::move(found));
    }
    return by_label;
}

}  // namespace mistamover::disk_space
