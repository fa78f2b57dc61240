// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mistamover::files {

/// Where the kernel and the administrator say what is mounted. They are but read: no file system is asked,
/// not even one whose server is silent.
struct MountTables {
    std::filesystem::path mounted = "/proc/self/mounts";
    std::filesystem::path wanted = "/etc/fstab";
};

/// What was mounted at one moment: for many questions at once.
class MountList {
  public:
    explicit MountList(const std::filesystem::path& table = MountTables{}.mounted);
    /// As the function of that name.
    [[nodiscard]] std::string mount_of(const std::filesystem::path& path) const;
    /// All that is mounted in the directory `path`, at any depth, but not on it; in words as those.
    [[nodiscard]] std::vector<std::string> mounts_below(const std::filesystem::path& path) const;

  private:
    struct Mount {
        std::string device;
        std::filesystem::path directory;
    };
    std::vector<Mount> mounts_;
};

/// What `path`, which is absolute and holds no link, lies on, in words that tell it from any other mount.
/// Empty where that is not known.
std::string mount_of(const std::filesystem::path& path, const MountTables& tables = {});

/// The mount point on the way to `path` that is to be mounted at the start (not `noauto`), and is not.
std::optional<std::filesystem::path> missing_mount(const std::filesystem::path& path,
                                                   const MountTables& tables = {});

/// Those in the directory `path`, at any depth, likewise.
std::vector<std::filesystem::path> missing_mounts_below(const std::filesystem::path& path,
                                                        const MountTables& tables = {});

/// Throws std::system_error where there is one on the way: what lies under its name is not what is
/// meant. `what` is said of the path, which may hold links.
void check_mounted(const std::filesystem::path& path, const std::string& what);

}  // namespace mistamover::files
