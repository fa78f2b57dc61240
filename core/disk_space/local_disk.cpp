// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/local_disk.hpp"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <utility>

#include <mistamover/units.hpp>

#include "disk_space/stop_file.hpp"
#include "disk_space/unit_removal.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::disk_space {
namespace {

std::vector<UnitListing> listings_of(const process::MonitorStream& stream) {
    std::vector<UnitListing> listings;
    const auto add = [&](const std::string& directory, UnitPlace place, files::UnitNames names,
                         const std::string& control_extension) {
        if (!directory.empty()) {
            listings.emplace_back(directory, place, std::move(names), control_extension);
        }
    };
    add(stream.arrivals_dir, UnitPlace::arrivals, {}, stream.arrivals_control_extension);
    add(stream.data_dir, UnitPlace::data,
        {stream.data_dir, stream.quarantine_dir, stream.include, stream.exclude},
        stream.data_control_extension);
    add(stream.quarantine_here ? stream.quarantine_dir : "", UnitPlace::quarantine, {}, "");
    return listings;
}

void end_deletion(const UnitListing& listing, int directory_fd, const BegunDeletion& begun,
                  const std::function<bool()>& go_on, const DiskSpaceMonitor::Log& log) {
    const std::string path = (listing.directory() / begun.name).string();
    const std::string dot_path = (listing.directory() / begun.dot_name).string();
    const BegunEnd end = end_begun(directory_fd, begun, go_on);
    switch (end.how) {
        case BegunEnd::How::deleted:
            log(LogLevel::error, "deleted " + path + " (" + format_size({end.bytes}) +
                                     "), as an earlier process had begun to");
            break;
        case BegunEnd::How::given_back:
            log(LogLevel::warning, path + " has its name back, which an earlier process had taken from it");
            break;
        case BegunEnd::How::left:
            log(LogLevel::error,
                dot_path + " stays, and is not sent: " +
                    (begun.decided ? "it is not what an earlier process had begun to delete"
                                   : "an earlier process had taken its name from it, which is another's "
                                     "by now, or too long to be known"));
            break;
    }
}

void end_deletions(const UnitListing& listing, const std::function<bool()>& go_on,
                   const DiskSpaceMonitor::Log& log) {
    const process::UniqueFd fd = listing.open();
    if (!fd.valid()) {
        return;
    }
    for (const BegunDeletion& begun : deletions_begun(fd.get(), listing.directory().string())) {
        try {
            end_deletion(listing, fd.get(), begun, go_on, log);
        } catch (const std::system_error& error) {
            log(LogLevel::error, listing.directory().string() + ": " + error.what());
        }
    }
}

// So that no directory is kept open, which nobody could unmount.
void give_up_listings(std::vector<UnitListing>& listings) {
    for (UnitListing& listing : listings) {
        if (listing.is_under_way()) {
            listing.forget();
        }
    }
}

}  // namespace

LocalDisk::LocalDisk(std::string label, std::string mount_point,
                     const std::vector<process::MonitorStream>& streams,
                     const std::filesystem::path& placed_dir, std::function<std::string()> mounts)
    : label_(std::move(label)),
      mount_point_(std::move(mount_point)),
      mounts_(std::move(mounts)),
      placed_(placed_dir) {
    for (const process::MonitorStream& stream : streams) {
        stop_files_.insert(stream.stop_files.begin(), stream.stop_files.end());
        listings_.push_back(listings_of(stream));
    }
}

void LocalDisk::recover(const DiskSpaceMonitor::Log& log) const {
    for (const std::string& path : stop_files_) {
        try {
            StopFileAt(path).recover();
        } catch (const std::system_error& error) {
            log(LogLevel::error, error.what());
        }
    }
    for (const std::vector<UnitListing>& stream : listings_) {
        for (const UnitListing& listing : stream) {
            try {
                end_deletions(listing, go_on_, log);
            } catch (const std::system_error& error) {
                log(LogLevel::error, error.what());
            }
        }
    }
}

Space LocalDisk::space() {
    struct statvfs info {};
    if (::statvfs(mount_point_.c_str(), &info) != 0) {
        process::throw_errno(mount_point_);
    }
    return {info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize, info.f_favail, info.f_files};
}

StopSeen LocalDisk::look_for_stop(const std::string& path) {
    return StopFileAt(path).look();
}

// A file is known by what is in it, too: one that cannot be remembered is better than none.
bool LocalDisk::place_stop(const std::string& path) {
    try_to_note([&] { placed_.add(path); });
    return StopFileAt(path).place(label_, std::time(nullptr));
}

bool LocalDisk::remove_stop(const std::string& path) {
    const bool removed = StopFileAt(path).remove();
    try_to_note([&] { placed_.remove(path); });
    return removed;
}

void LocalDisk::try_to_note(const std::function<void()>& change) {
    try {
        change();
        can_note_ = true;
    } catch (const std::system_error& error) {
        if (std::exchange(can_note_, false)) {
            problems_.emplace_back(error.what());
        }
    }
}

// By the table of mounts, as streams are assigned to file systems: to ask for a path that may be another file
// system's would wait for that, which may never answer.
std::vector<std::string> LocalDisk::obsolete_stops() {
    std::vector<std::string> obsolete = placed_.paths();
    std::erase_if(obsolete, [this](const std::string& path) { return stop_files_.contains(path); });
    if (obsolete.empty()) {
        return obsolete;
    }
    const MountTable table(mounts_());
    const Mount* const own = table.of(mount_point_);
    std::erase_if(obsolete, [&](const std::string& path) {
        const Mount* const mount = table.of(std::filesystem::path(path).parent_path());
        return own == nullptr || mount == nullptr || mount->device != own->device;
    });
    return obsolete;
}

// Who asks for units has given up what was looked at for an earlier plan: it is not kept open. A listing that
// is done is not begun again before the others of its stream are done: where much changes in one directory,
// it would never come to the next.
std::optional<std::vector<const Unit*>> LocalDisk::units(std::size_t stream, const TimeLeft& time_left) {
    look_.reset();
    if (stream != in_hand_) {
        give_up_listings(listings_[in_hand_]);
        in_hand_ = stream;
        listed_ = 0;
    }
    std::vector<UnitListing>& listings = listings_[stream];
    const std::size_t listed_before = listed_;
    for (; listed_ < listings.size(); ++listed_) {
        if (!list(listings[listed_], time_left)) {
            return std::nullopt;
        }
    }
    // To gather and to order very many takes as long as a step.
    if (listed_ != listed_before && !time_left()) {
        return std::nullopt;
    }
    listed_ = 0;
    std::size_t count = 0;
    for (const UnitListing& listing : listings) {
        count += listing.units().size();
    }
    std::vector<const Unit*> all;
    all.reserve(count);
    for (const UnitListing& listing : listings) {
        for (const Unit& unit : listing.units()) {
            all.push_back(&unit);
        }
    }
    return all;
}

bool LocalDisk::list(UnitListing& listing, const TimeLeft& time_left) {
    const std::string directory = listing.directory().string();
    try {
        if (!listing.list(time_left)) {
            return false;
        }
        unreadable_.erase(directory);
    } catch (const std::system_error& error) {
        listing.forget();
        if (unreadable_.insert(directory).second) {
            problems_.emplace_back(error.what());
        }
    }
    return true;
}

std::vector<std::string> LocalDisk::take_problems() {
    return std::exchange(problems_, {});
}

void LocalDisk::look_anew() {
    for (std::vector<UnitListing>& stream : listings_) {
        for (UnitListing& listing : stream) {
            listing.forget();
        }
    }
    listed_ = 0;
    look_.reset();
}

const UnitListing& LocalDisk::listing_of(std::size_t stream, UnitPlace place) const {
    return *std::find_if(listings_[stream].begin(), listings_[stream].end(),
                         [&](const UnitListing& listing) { return listing.place() == place; });
}

std::string LocalDisk::path_of(std::size_t stream, const Unit& unit) const {
    return (listing_of(stream, unit.place).directory() / unit.name).string();
}

std::optional<Gain> LocalDisk::gain_of_directory(std::size_t stream, const Unit& unit,
                                                 const TimeLeft& time_left) {
    if (!look_) {
        look_.emplace(listing_of(stream, unit.place).open().get(), unit.name);
    }
    if (!look_->go_on(time_left)) {
        return std::nullopt;
    }
    return std::exchange(look_, std::nullopt)->gain().value_or(Gain{});
}

bool LocalDisk::remove_unit(std::size_t stream, const Unit& unit, const std::function<void()>& about_to) {
    const UnitListing& listing = listing_of(stream, unit.place);
    const process::UniqueFd fd = listing.open();
    if (!fd.valid()) {
        return false;
    }
    const std::vector<std::string> control_files = listing.control_files(unit);
    const bool is_in_handshake =
        std::any_of(control_files.begin(), control_files.end(), [&](const std::string& control_file) {
            struct stat ignored {};
            return ::fstatat(fd.get(), control_file.c_str(), &ignored, 0) == 0;
        });
    if (is_in_handshake) {
        return false;
    }
    return disk_space::remove_unit(fd.get(), unit, about_to, go_on_);
}

}  // namespace mistamover::disk_space
