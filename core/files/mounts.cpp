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

std::vector<Entry> entries_of(const std::filesystem::path& table) {
    constexpr std::size_t longest_line = 16UL * 1024;
    std::vector<Entry> entries;
    const std::unique_ptr<FILE, int (*)(FILE*)> file(::setmntent(table.c_str(), "re"), ::endmntent);
    std::array<char, longest_line> line{};
    mntent entry{};
    while (file && ::getmntent_r(file.get(), &entry, line.data(), static_cast<int>(line.size())) != nullptr) {
        entries.push_back({entry.mnt_fsname, entry.mnt_dir, ::hasmntopt(&entry, "noauto") == nullptr});
    }
    return entries;
}

bool is_on_the_way_to(const std::filesystem::path& path, const std::filesystem::path& directory) {
    return directory.is_absolute() &&
           std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first ==
               directory.end();
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

std::string mount_of(const std::filesystem::path& path, const MountTables& tables) {
    return MountList(tables.mounted).mount_of(path);
}

std::optional<std::filesystem::path> missing_mount(const std::filesystem::path& path,
                                                   const MountTables& tables) {
    const std::vector<Entry> mounted = entries_of(tables.mounted);
    for (const Entry& wanted : entries_of(tables.wanted)) {
        const bool is_mounted = std::any_of(mounted.begin(), mounted.end(), [&](const Entry& entry) {
            return entry.directory == wanted.directory;
        });
        if (!mounted.empty() && !is_mounted && wanted.is_mounted_at_start &&
            is_on_the_way_to(path, wanted.directory)) {
            return wanted.directory;
        }
    }
    return std::nullopt;
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
