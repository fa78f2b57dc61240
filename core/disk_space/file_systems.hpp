// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "disk_space/mount_table.hpp"
#include "process/disk_space_messages.hpp"

namespace mistamover::disk_space {

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
/// Asks no file system that may not answer: see MountTable::of.
std::map<std::string, FileSystem> file_systems(const std::vector<process::MonitorStream>& streams,
                                               const std::vector<std::filesystem::path>& also = {},
                                               const MountTable& mounts = MountTable());

/// Takes everything out of `streams` that does not lie on the file system of `mount_point`, and gives the
/// directories: a link that `file_systems` did not follow may lead elsewhere, and nothing is to be deleted
/// there. May wait without end: see MountTable::asked_for.
std::set<std::string> take_out_what_lies_elsewhere(const std::string& mount_point,
                                                   std::vector<process::MonitorStream>& streams);

}  // namespace mistamover::disk_space
