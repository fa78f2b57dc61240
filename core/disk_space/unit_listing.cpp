// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_listing.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unordered_set>
#include <utility>

#include "files/directory_names.hpp"
#include "process/throw_errno.hpp"

namespace mistamover::disk_space {
namespace {

// The kernel's clock for files moves in steps; what changes within one step of a listing is not told apart.
constexpr std::int64_t step_of_file_clock_ns = 20'000'000;
constexpr std::uint64_t block = 512;  // the unit of st_blocks

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(now);
}

// The units that were there, in the order in which they were read. A directory is read in nearly the same
// order each time, so the one that is looked for is the next, or one soon after.
class KnownUnits {
  public:
    explicit KnownUnits(std::vector<Unit> units) : units_(std::move(units)) {}

    Unit* find(const std::string& name) {
        constexpr std::size_t far_enough = 64;
        for (std::size_t i = next_; i < units_.size() && i < next_ + far_enough; ++i) {
            if (units_[i].name == name) {
                next_ = i + 1;
                return &units_[i];
            }
        }
        return nullptr;
    }

  private:
    std::vector<Unit> units_;
    std::size_t next_ = 0;
};

}  // namespace

UnitListing::UnitListing(std::filesystem::path directory, UnitPlace place, files::UnitNames names,
                         std::string control_extension)
    : directory_(std::move(directory)),
      place_(place),
      names_(std::move(names)),
      control_extension_(std::move(control_extension)) {}

std::string UnitListing::control_file(const std::string& name) const {
    return control_extension_.empty() ? "" : '.' + name + '.' + control_extension_;
}

const std::vector<Unit>& UnitListing::units() {
    struct stat info {};
    const int found =
        ::fstatat(AT_FDCWD, directory_.c_str(), &info, follows_link() ? 0 : AT_SYMLINK_NOFOLLOW);
    if (found != 0 && errno != ENOENT && errno != ENOTDIR) {
        process::throw_errno(directory_.string());
    }
    if (found != 0 || !S_ISDIR(info.st_mode)) {
        forget();
        return units_;
    }
    const std::int64_t change = nanoseconds(info.st_ctim);
    if (change == listed_at_change_ && info.st_ino == listed_inode_) {
        return units_;
    }
    listed_at_change_ = -1;
    const bool settled = now_ns() - change > step_of_file_clock_ns;
    const process::UniqueFd fd = open();
    if (!fd.valid()) {
        process::throw_errno(directory_.string());
    }
    list(fd.get());
    if (settled) {
        listed_at_change_ = change;
        listed_inode_ = info.st_ino;
    }
    return units_;
}

process::UniqueFd UnitListing::open() const {
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follows_link() ? 0 : O_NOFOLLOW);
    return process::UniqueFd(::open(directory_.c_str(), flags));
}

void UnitListing::forget() {
    units_.clear();
    listed_at_change_ = -1;
}

void UnitListing::list(int directory_fd) {
    const std::vector<std::string> names = files::directory_names(directory_fd, ".", directory_.string());
    std::unordered_set<std::string_view> control_files;
    for (const std::string& name : names) {
        if (name.front() == '.') {
            control_files.insert(name);
        }
    }
    KnownUnits known(std::exchange(units_, {}));
    for (const std::string& name : names) {
        if (!names_.contain(name) || (!control_files.empty() && control_files.contains(control_file(name)))) {
            continue;
        }
        if (Unit* unit = known.find(name)) {
            units_.push_back(std::move(*unit));
        } else if (std::optional<Unit> made = look_at(directory_fd, name)) {
            units_.push_back(std::move(*made));
        }
    }
}

std::optional<Unit> UnitListing::look_at(int directory_fd, const std::string& name) const {
    struct stat info {};
    if (::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return std::nullopt;
    }
    Unit unit;
    unit.place = place_;
    unit.name = name;
    unit.inode = info.st_ino;
    unit.ctime_ns = nanoseconds(info.st_ctim);
    unit.directory = S_ISDIR(info.st_mode);
    if (!unit.directory && info.st_nlink == 1) {
        unit.gain = {static_cast<std::uint64_t>(info.st_blocks) * block, 1};
    }
    return unit;
}

}  // namespace mistamover::disk_space
