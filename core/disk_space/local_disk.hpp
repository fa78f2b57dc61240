// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "disk_space/deletion_look.hpp"
#include "disk_space/disk_space_monitor.hpp"
#include "disk_space/mount_table.hpp"
#include "disk_space/placed_stops.hpp"
#include "disk_space/unit_listing.hpp"

namespace mistamover::disk_space {

/// The real file system. For one thread.
class LocalDisk final : public DiskSpaceMonitor::Disk {
  public:
    /// `label` goes into the `.stop` files; `placed_dir` remembers them, and other file systems', too.
    /// `mounts` gives what /proc/self/mountinfo says.
    LocalDisk(std::string label, std::string mount_point, const std::vector<process::MonitorStream>& streams,
              const std::filesystem::path& placed_dir, std::function<std::string()> mounts = current_mounts);

    /// Called again and again while a directory is looked through and deleted, which may take long; false
    /// leaves it where it is, or the rest of it for recover().
    void while_deleting(std::function<bool()> go_on) { go_on_ = std::move(go_on); }

    /// Ends what a crash has interrupted, and tells what became of it. What cannot be ended is told, and
    /// left.
    void recover(const DiskSpaceMonitor::Log& log) const;

    Space space() override;
    StopSeen look_for_stop(const std::string& path) override;
    /// Whether it can be remembered in `placed_dir` or not.
    bool place_stop(const std::string& path) override;
    bool remove_stop(const std::string& path) override;
    std::vector<std::string> obsolete_stops() override;
    /// Without those of a directory that cannot be read.
    std::optional<std::vector<const Unit*>> units(std::size_t stream, const TimeLeft& time_left) override;
    std::vector<std::string> take_problems() override;
    void look_anew() override;
    std::optional<Gain> gain_of_directory(std::size_t stream, const Unit& unit,
                                          const TimeLeft& time_left) override;
    bool remove_unit(std::size_t stream, const Unit& unit, const std::function<void()>& about_to) override;
    [[nodiscard]] std::string path_of(std::size_t stream, const Unit& unit) const override;

  private:
    void try_to_note(const std::function<void()>& change);
    bool list(UnitListing& listing, const TimeLeft& time_left);
    [[nodiscard]] const UnitListing& listing_of(std::size_t stream, UnitPlace place) const;

    std::string label_;
    std::string mount_point_;
    std::function<std::string()> mounts_;
    PlacedStops placed_;
    bool can_note_ = true;  ///< Which `.stop` files it has made; that it cannot is told once.
    std::set<std::string> stop_files_;
    std::vector<std::vector<UnitListing>> listings_;  ///< By stream.
    std::size_t in_hand_ = 0;                         ///< The stream whose units were asked for last,
    std::size_t listed_ = 0;                          ///< and how many of its listings are done.
    std::optional<TreeLook> look_;                    ///< At the directory whose gain is asked for.
    std::set<std::string> unreadable_;                ///< Directories, as far as it was told.
    std::vector<std::string> problems_;
    std::function<bool()> go_on_ = [] { return true; };
};

}  // namespace mistamover::disk_space
