// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_listing.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unordered_map>
#include <utility>

#include "disk_space/file_facts.hpp"
#include "disk_space/units_in_handshake.hpp"
#include "files/directory_names.hpp"
#include "process/throw_errno.hpp"

namespace mistamover::disk_space {
namespace {

// The kernel's clock for files moves in steps; what changes within one step of a listing is not told apart.
constexpr std::int64_t step_of_file_clock_ns = 20'000'000;
constexpr std::size_t names_at_once = 32;  // between two looks at the time

}  // namespace

// The units that were there, in the order in which they were read. A directory is read in nearly the same
// order each time, so the one that is looked for is the next, or one soon after.
class UnitListing::KnownUnits {
  public:
    explicit KnownUnits(std::vector<Unit> units) : units_(std::move(units)) {}

    [[nodiscard]] std::size_t size() const noexcept { return units_.size(); }
    /// Null: not there, or not worth a longer search. What is found may be moved away.
    Unit* find(const std::string& name) {
        for (std::size_t i = next_; i < units_.size() && i < next_ + far_enough; ++i) {
            if (units_[i].name == name) {
                return found(i);
            }
        }
        return ++missed_ < far_enough ? nullptr : find_anywhere(name);
    }

  private:
    static constexpr std::size_t far_enough = 64;
    static constexpr std::size_t indexed_at_once = 256;

    Unit* found(std::size_t i) {
        next_ = i + 1;
        missed_ = 0;
        return &units_[i];
    }
    // Many have come, or gone from where it was. The index grows by a part with each, for the time's sake.
    Unit* find_anywhere(const std::string& name) {
        for (const std::size_t end = std::min(units_.size(), indexed_ + indexed_at_once); indexed_ < end;
             ++indexed_) {
            by_name_.emplace(units_[indexed_].name, indexed_);
        }
        const auto there = by_name_.find(name);
        const bool is_known = there != by_name_.end() && units_[there->second].name == name;
        return is_known ? found(there->second) : nullptr;
    }

    std::vector<Unit> units_;
    std::size_t next_ = 0;
    std::size_t missed_ = 0;  ///< In a row.
    std::unordered_map<std::string, std::size_t> by_name_;
    std::size_t indexed_ = 0;
};

// A listing that is under way.
struct UnitListing::Reading {
    files::DirectoryReader directory;
    KnownUnits known;
    std::int64_t change = 0;  ///< The directory's own ctime, before it was opened, and its inode.
    std::uint64_t inode = 0;
    std::vector<Unit> units;
    UnitsInHandshake in_handshake;
};

UnitListing::UnitListing(std::filesystem::path directory, UnitPlace place, files::UnitNames names,
                         std::string control_extension)
    : directory_(std::move(directory)),
      place_(place),
      names_(std::move(names)),
      control_extension_(std::move(control_extension)) {}

UnitListing::~UnitListing() = default;
UnitListing::UnitListing(UnitListing&& other) noexcept = default;
UnitListing& UnitListing::operator=(UnitListing&& other) noexcept = default;

std::vector<std::string> UnitListing::control_files(const Unit& unit) const {
    return UnitsInHandshake::control_files(unit, control_extension_);
}

bool UnitListing::list(const TimeLeft& time_left) {
    if (!reading_ && !begin_reading()) {
        return true;
    }
    for (std::size_t read = 1; const std::optional<std::string> name = reading_->directory.next(); ++read) {
        take(*name);
        if (read % names_at_once == 0 && !time_left()) {
            return false;
        }
    }
    end_reading();
    return true;
}

// False where there is nothing to read, or nothing else than the last time.
bool UnitListing::begin_reading() {
    struct stat info {};
    const int found =
        ::fstatat(AT_FDCWD, directory_.c_str(), &info, follows_link() ? 0 : AT_SYMLINK_NOFOLLOW);
    if (found != 0 && errno != ENOENT && errno != ENOTDIR) {
        process::throw_errno(directory_.string());
    }
    if (found != 0 || !S_ISDIR(info.st_mode)) {
        forget();
        return false;
    }
    const std::int64_t change = in_ns(info.st_ctim);
    if (change == listed_at_change_ && info.st_ino == listed_inode_) {
        return false;
    }
    listed_at_change_ = -1;
    const bool settled = now_in_ns() - change > step_of_file_clock_ns;
    const process::UniqueFd fd = open();
    if (!fd.valid()) {
        process::throw_errno(directory_.string());
    }
    files::DirectoryReader directory(fd.get(), ".", directory_.string());
    reading_ = std::make_unique<Reading>(Reading{std::move(directory),
                                                 KnownUnits(std::exchange(units_, {})),
                                                 settled ? change : -1,
                                                 info.st_ino,
                                                 {},
                                                 UnitsInHandshake(control_extension_)});
    // To make room for more later would move all of them in one step.
    const std::size_t known = reading_->known.size();
    reading_->units.reserve(known + known / 8);
    return true;
}

void UnitListing::take(const std::string& name) {
    if (name.front() == '.') {
        reading_->in_handshake.note(name);
    } else if (Unit* known = reading_->known.find(name)) {
        reading_->units.push_back(std::move(*known));
    } else if (names_.contain(name)) {
        if (std::optional<Unit> made = look_at(reading_->directory.fd(), name)) {
            reading_->units.push_back(std::move(*made));
        }
    }
}

// A control file may have been read after its unit.
void UnitListing::end_reading() {
    if (reading_->in_handshake.are_known()) {
        std::erase_if(reading_->units,
                      [this](const Unit& unit) { return reading_->in_handshake.contain(unit); });
    }
    units_ = std::move(reading_->units);
    listed_at_change_ = reading_->change;
    listed_inode_ = reading_->inode;
    reading_.reset();
}

process::UniqueFd UnitListing::open() const {
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follows_link() ? 0 : O_NOFOLLOW);
    return process::UniqueFd(::open(directory_.c_str(), flags));
}

void UnitListing::forget() {
    units_.clear();
    reading_.reset();
    listed_at_change_ = -1;
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
    unit.ctime_ns = in_ns(info.st_ctim);
    unit.directory = S_ISDIR(info.st_mode);
    if (!unit.directory && info.st_nlink == 1) {
        unit.gain = {bytes_on_disk(info), 1};
    }
    return unit;
}

}  // namespace mistamover::disk_space
