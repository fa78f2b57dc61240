// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/local_disk.hpp"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

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

}  // namespace

LocalDisk::LocalDisk(std::string label, std::string mount_point,
                     const std::vector<process::MonitorStream>& streams,
                     const std::filesystem::path& placed_dir)
    : label_(std::move(label)), mount_point_(std::move(mount_point)), placed_(placed_dir) {
    for (const process::MonitorStream& stream : streams) {
        stop_files_.insert(stream.stop_files.begin(), stream.stop_files.end());
        listings_.push_back(listings_of(stream));
    }
}

std::vector<std::string> LocalDisk::recover() {
    for (const std::string& path : stop_files_) {
        StopFileAt(path).recover();
    }
    std::vector<std::string> deleted;
    for (const std::vector<UnitListing>& stream : listings_) {
        for (const UnitListing& listing : stream) {
            const process::UniqueFd fd = listing.open();
            if (!fd.valid()) {
                continue;
            }
            for (const std::string& name : deletions_begun(fd.get(), listing.directory().string())) {
                (void)remove_begun(fd.get(), name);
                deleted.push_back((listing.directory() / name_before(name)).string());
            }
        }
    }
    return deleted;
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

bool LocalDisk::place_stop(const std::string& path) {
    placed_.add(path);
    return StopFileAt(path).place(label_, std::time(nullptr));
}

bool LocalDisk::remove_stop(const std::string& path) {
    const StopFileAt file(path);
    const bool removed = file.remove();
    placed_.remove(path);
    return removed;
}

std::vector<std::string> LocalDisk::obsolete_stops() {
    std::vector<std::string> obsolete;
    struct stat own {};
    if (::stat(mount_point_.c_str(), &own) != 0) {
        return obsolete;
    }
    for (std::string& path : placed_.paths()) {
        struct stat directory {};
        const bool is_here = ::stat(std::filesystem::path(path).parent_path().c_str(), &directory) == 0 &&
                             directory.st_dev == own.st_dev;
        if (is_here && !stop_files_.contains(path)) {
            obsolete.push_back(std::move(path));
        }
    }
    return obsolete;
}

std::vector<const Unit*> LocalDisk::units(std::size_t stream) {
    std::vector<const Unit*> all;
    for (UnitListing& listing : listings_[stream]) {
        for (const Unit& unit : listing.units()) {
            all.push_back(&unit);
        }
    }
    return all;
}

void LocalDisk::look_anew() {
    for (std::vector<UnitListing>& stream : listings_) {
        for (UnitListing& listing : stream) {
            listing.forget();
        }
    }
}

const UnitListing& LocalDisk::listing_of(std::size_t stream, UnitPlace place) const {
    return *std::find_if(listings_[stream].begin(), listings_[stream].end(),
                         [&](const UnitListing& listing) { return listing.place() == place; });
}

std::string LocalDisk::path_of(std::size_t stream, const Unit& unit) const {
    return (listing_of(stream, unit.place).directory() / unit.name).string();
}

std::optional<Gain> LocalDisk::gain_of_directory(std::size_t stream, const Unit& unit) {
    const process::UniqueFd fd = listing_of(stream, unit.place).open();
    return fd.valid() ? gain_of_tree(fd.get(), unit.name) : std::nullopt;
}

bool LocalDisk::remove_unit(std::size_t stream, const Unit& unit, const std::function<void()>& about_to) {
    const UnitListing& listing = listing_of(stream, unit.place);
    const process::UniqueFd fd = listing.open();
    const std::string control_file = listing.control_file(unit.name);
    struct stat ignored {};
    if (!fd.valid() ||
        (!control_file.empty() && ::fstatat(fd.get(), control_file.c_str(), &ignored, 0) == 0)) {
        return false;
    }
    return disk_space::remove_unit(fd.get(), unit, about_to);
}

}  // namespace mistamover::disk_space
