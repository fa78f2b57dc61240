// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "process/disk_space_messages.hpp"

namespace mistamover::disk_space {

struct Mount {
    std::uint64_t id = 0;
    std::string device;  ///< "8:1": what tells file systems apart, however often one is mounted.
    std::string point;
};

/// Reads what /proc/self/mountinfo says. Pure; lines that it does not understand are left out.
std::vector<Mount> parse_mounts(std::string_view mountinfo);

/// A name for each mount point: its last element, `root` for `/`, with a number where two would be the same,
/// and `_` for what a file name had better not hold. Pure.
std::map<std::string, std::string> labels(const std::vector<std::string>& mount_points);

/// One file system and what is monitored on it.
struct FileSystem {
    std::string device;
    std::string mount_point;
    std::vector<process::MonitorStream> streams;
};

/// What of a stream is monitored, wherever it lies: the directories that fill, and where the `.stop` lies
/// that holds arrivals back. Pure.
process::MonitorStream monitored(const config::Stream& stream);

/// The file systems, by label, on which anything lies that is monitored. A directory that does not exist lies
/// where it would be made. `also`: directories whose file systems are wanted even where no stream is there.
std::map<std::string, FileSystem> file_systems(const std::vector<process::MonitorStream>& streams,
                                               const std::vector<std::filesystem::path>& also = {});

}  // namespace mistamover::disk_space
