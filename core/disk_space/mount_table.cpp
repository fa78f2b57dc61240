// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/mount_table.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <system_error>

namespace mistamover::disk_space {
namespace {

constexpr std::uint64_t no_mount = 0;  // the kernel numbers them from 1

// Those that wait for no other host and no other process. What is not known is not among them.
constexpr std::array<std::string_view, 27> own_types{
    "bcachefs", "btrfs", "devtmpfs", "erofs", "exfat",   "ext2", "ext3",  "ext4",     "f2fs",
    "iso9660",  "jfs",   "nilfs2",   "ntfs3", "overlay", "proc", "ramfs", "reiserfs", "rootfs",
    "squashfs", "sysfs", "tmpfs",    "udf",   "ufs",     "vfat", "xfs",   "zfs",      "zonefs"};

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

// Of the rest of a line: any number of fields of which one may be told, a dash, and the type.
std::string type_behind_dash(std::istringstream& fields) {
    std::string field;
    while (fields >> field && field != "-") {
    }
    return fields >> field ? field : "";
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
    std::vector<Mount> mounts;
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        Mount mount;
        std::string root;
        std::string point;
        if (fields >> mount.id >> mount.parent >> mount.device >> root >> point) {
            mount.point = unescaped(point);
            mount.type = type_behind_dash(fields);
            mounts.push_back(std::move(mount));
        }
    }
    return mounts;
}

std::string current_mounts() {
    const std::ifstream file("/proc/self/mountinfo");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A way through the directories, of which no step is a link.
class MountTable::Way {
  public:
    // What the root is on waits for nobody whom this process does not wait for anyway.
    explicit Way(const MountTable& table) : table_(table) {
        places_.push_back(covered({"/", nullptr, true}));
        places_.back().may_be_asked = places_.back().mount != nullptr;
    }

    [[nodiscard]] const Mount* end() const { return places_.back().mount; }

    // Takes a step, which is one name, back or to the root, too. The link that stands there, where it is one
    // that can be read: then no step is taken.
    std::filesystem::path step(const std::filesystem::path& name) {
        if (name == "/") {
            places_.resize(1);
        } else if (name == "..") {
            places_.resize(std::max<std::size_t>(places_.size() - 1, 1));
        } else if (!name.empty() && name != ".") {
            const Place& here = places_.back();
            const Place next{here.path / name, here.mount, here.may_be_asked};
            Place top = covered(next);
            std::error_code no_link;
            if (top.mount == here.mount && here.may_be_asked) {
                std::filesystem::path link = std::filesystem::read_symlink(next.path, no_link);
                if (!no_link) {
                    return link;
                }
            }
            places_.push_back(std::move(top));
        }
        return {};
    }

  private:
    struct Place {
        std::filesystem::path path;
        const Mount* mount = nullptr;
        bool may_be_asked = false;
    };

    // With all that is mounted on it, the topmost last.
    [[nodiscard]] Place covered(Place place) const {
        auto found = table_.by_place_.end();
        while ((found = table_.by_place_.find({place.mount == nullptr ? no_mount : place.mount->id,
                                               place.path.string()})) != table_.by_place_.end()) {
            place.mount = found->second;
            place.may_be_asked = place.may_be_asked && std::find(own_types.begin(), own_types.end(),
                                                                 place.mount->type) != own_types.end();
        }
        return place;
    }

    const MountTable& table_;
    std::vector<Place> places_;  ///< From the root on.
};

MountTable::MountTable(std::string_view mountinfo) {
    for (Mount& mount : parse_mounts(mountinfo)) {
        mounts_.emplace(mount.id, std::move(mount));
    }
    for (const auto& [id, mount] : mounts_) {
        const bool is_in_another = mount.parent != id && mounts_.contains(mount.parent);
        by_place_[{is_in_another ? mount.parent : no_mount, mount.point}] = &mount;
    }
}

const Mount* MountTable::of(const std::filesystem::path& directory) const {
    constexpr unsigned most_links = 40;  // as the kernel
    Way way(*this);
    std::deque<std::filesystem::path> ahead(directory.begin(), directory.end());
    for (unsigned links = 0; !ahead.empty();) {
        const std::filesystem::path link = way.step(ahead.front());
        ahead.pop_front();
        if (!link.empty()) {
            if (++links > most_links) {
                return nullptr;
            }
            ahead.insert(ahead.begin(), link.begin(), link.end());
        }
    }
    const Mount* end = way.end();
    return end != nullptr && end->type != "autofs" ? end : nullptr;
}

const Mount* MountTable::asked_for(std::filesystem::path directory) const {
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

}  // namespace mistamover::disk_space
