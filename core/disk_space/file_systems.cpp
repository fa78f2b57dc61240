// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/file_systems.hpp"

#include <set>

#include "config/settings.hpp"

namespace mistamover::disk_space {
namespace {

constexpr std::size_t longest_label = 100;

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

// File systems by device. One that is mounted more than once is named by the first of its mount points.
class Groups {
  public:
    explicit Groups(const MountTable& mounts) : mounts_(mounts) {}

    FileSystem* at(const std::string& directory) {
        const auto [known, is_new] = known_.try_emplace(directory, nullptr);
        if (is_new && !directory.empty()) {
            known->second = group_of(mounts_.of(directory));
        }
        return known->second;
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
    FileSystem* group_of(const Mount* mount) {
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

    const MountTable& mounts_;
    std::map<std::string, FileSystem*> known_;  ///< By directory.
    std::map<std::string, FileSystem> groups_;
};

// Empty where that is not known. What was mounted since the table was read, even by the very question, is
// found in another one.
std::string device_of(const std::string& directory, const MountTable& table) {
    if (const Mount* mount = table.asked_for(directory)) {
        return mount->device;
    }
    const MountTable fresh;
    const Mount* mount = fresh.asked_for(directory);
    return mount == nullptr ? "" : mount->device;
}

}  // namespace

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
                                               const std::vector<std::filesystem::path>& also,
                                               const MountTable& mounts) {
    Groups groups(mounts);
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

std::set<std::string> take_out_what_lies_elsewhere(const std::string& mount_point,
                                                   std::vector<process::MonitorStream>& streams) {
    const MountTable table;
    const std::string own = device_of(mount_point, table);
    std::set<std::string> elsewhere;
    const auto is_elsewhere = [&](const std::string& directory) {
        if (!own.empty() && device_of(directory, table) == own) {
            return false;
        }
        elsewhere.insert(directory);
        return true;
    };
    for (process::MonitorStream& stream : streams) {
        for (std::string* directory : {&stream.arrivals_dir, &stream.data_dir}) {
            if (!directory->empty() && is_elsewhere(*directory)) {
                directory->clear();
            }
        }
        stream.quarantine_here = stream.quarantine_here && !is_elsewhere(stream.quarantine_dir);
        std::erase_if(stream.stop_files, [&](const std::string& path) {
            return is_elsewhere(std::filesystem::path(path).parent_path().string());
        });
    }
    std::erase_if(streams, [](const process::MonitorStream& stream) {
        return stream.arrivals_dir.empty() && stream.data_dir.empty() && !stream.quarantine_here &&
               stream.stop_files.empty();
    });
    return elsewhere;
}

}  // namespace mistamover::disk_space
