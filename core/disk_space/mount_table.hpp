// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mistamover::disk_space {

struct Mount {
    std::uint64_t id = 0;
    std::uint64_t parent = 0;  ///< The id of the mount that it is mounted in.
    std::string device;        ///< "8:1": what tells file systems apart, however often one is mounted.
    std::string point;
    std::string type;  ///< "ext4"
};

/// Reads what /proc/self/mountinfo says. Pure; lines that it does not understand are left out.
std::vector<Mount> parse_mounts(std::string_view mountinfo);

/// What /proc/self/mountinfo says now.
std::string current_mounts();

/// Tells where directories lie, as long as the mounts stay as they are.
class MountTable {
  public:
    explicit MountTable(std::string_view mountinfo = current_mounts());
    ~MountTable() = default;
    MountTable(const MountTable&) = delete;
    MountTable& operator=(const MountTable&) = delete;

    /// The mount that `directory`, which is absolute, lies on, or would were it made; null: that is not
    /// known. Asks nobody who may never answer: a symbolic link is followed where all on the way to it is on
    /// file systems of this host alone, or on that of the root directory, and taken for a directory where it
    /// is behind one of another kind. Nor is it known where something is mounted only when somebody asks for
    /// it (autofs), until that is done.
    [[nodiscard]] const Mount* of(const std::filesystem::path& directory) const;

    /// The same as the kernel sees it, whatever links there are. May wait without end for the server of a
    /// network file system.
    [[nodiscard]] const Mount* asked_for(std::filesystem::path directory) const;

  private:
    class Way;

    std::map<std::uint64_t, Mount> mounts_;
    std::map<std::pair<std::uint64_t, std::string>, const Mount*> by_place_;  ///< By parent and point.
};

}  // namespace mistamover::disk_space
