// SPDX-License-Identifier: BSD-3-Clause
#include "files/mounts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <mntent.h>
#include <system_error>
#include <utility>

namespace mistamover::files {
namespace {

struct Entry {
    std::string device;
    std::filesystem::path directory;
    bool is_mounted_at_start = true;
};

// As the kernel spells it: the administrator may write a slash too many.
std::filesystem::path spelled_plainly(const char* directory) {
    const std::filesystem::path normal = std::filesystem::path(directory).lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
}

std::vector<Entry> entries_of(const std::filesystem::path& table) {
    constexpr std::size_t longest_line = 16UL * 1024;
    std::vector<Entry> entries;
    const std::unique_ptr<FILE, int (*)(FILE*)> file(::setmntent(table.c_str(), "re"), ::endmntent);
    std::array<char, longest_line> line{};
    mntent entry{};
    while (file && ::getmntent_r(file.get(), &entry, line.data(), static_cast<int>(line.size())) != nullptr) {
        entries.push_back(
            {entry.mnt_fsname, spelled_plainly(entry.mnt_dir), ::hasmntopt(&entry, "noauto") == nullptr});
    }
    return entries;
}

bool is_on_the_way_to(const std::filesystem::path& path, const std::filesystem::path& directory) {
    return directory.is_absolute() &&
           std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first ==
               directory.end();
}

bool is_below(const std::filesystem::path& directory, const std::filesystem::path& path) {
    return directory != path && is_on_the_way_to(directory, path);
}

// All that is to be mounted at the start, and is not; nothing where it is not known what is mounted.
std::vector<std::filesystem::path> missing_mounts(const MountTables& tables) {
    const std::vector<Entry> mounted = entries_of(tables.mounted);
    std::vector<std::filesystem::path> missing;
    for (const Entry& wanted : entries_of(tables.wanted)) {
        const bool is_mounted = std::any_of(mounted.begin(), mounted.end(), [&](const Entry& entry) {
            return entry.directory == wanted.directory;
        });
        if (!mounted.empty() && !is_mounted && wanted.is_mounted_at_start) {
            missing.push_back(wanted.directory);
        }
    }
    return missing;
}

}  // namespace

MountList::MountList(const std::filesystem::path& table) {
    for (Entry& entry : entries_of(table)) {
        mounts_.push_back({std::move(entry.device), std::move(entry.directory)});
    }
}

// The nearest of those on the way, and of several on one directory the last, which covers the others.
std::string MountList::mount_of(const std::filesystem::path& path) const {
    std::string found;
    std::size_t nearest = 0;
    for (const Mount& mount : mounts_) {
        const std::size_t length = mount.directory.native().size();
        if (length >= nearest && is_on_the_way_to(path, mount.directory)) {
            nearest = length;
            found = mount.device + " on " + mount.directory.string();
        }
    }
    return found;
}

std::vector<std::string> MountList::mounts_below(const std::filesystem::path& path) const {
    std::vector<std::string> found;
    for (const Mount& mount : mounts_) {
        if (is_below(mount.directory, path)) {
            found.push_back(mount.device + " on " + mount.directory.string());
        }
    }
    return found;
}

std::string mount_of(const std::filesystem::path& path, const MountTables& tables) {
    return MountList(tables.mounted).mount_of(path);
}

std::optional<std::filesystem::path> missing_mount(const std::filesystem::path& path,
                                                   const MountTables& tables) {
    for (const std::filesystem::path& missing : missing_mounts(tables)) {
        if (is_on_the_way_to(path, missing)) {
            return missing;
        }
    }
    return std::nullopt;
}

std::vector<std::filesystem::path> missing_mounts_below(const std::filesystem::path& path,
                                                        const MountTables& tables) {
    std::vector<std::filesystem::path> missing = missing_mounts(tables);
    std::erase_if(missing, [&](const std::filesystem::path& one) { return !is_below(one, path); });
    return missing;
}

void check_mounted(const std::filesystem::path& path, const std::string& what) {
    std::error_code ignored;
    if (const auto missing = missing_mount(std::filesystem::weakly_canonical(path, ignored))) {
        throw std::system_error(ENODEV, std::generic_category(),
                                what + ' ' + path.string() + ": by /etc/fstab it lies in " +
                                    missing->string() + ", where nothing is mounted");
    }
}

}  // namespace mistamover::files
