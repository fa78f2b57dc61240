// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk_space/deletion_plan.hpp"
#include "files/unit_names.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::disk_space {

/// The units of one directory. What was listed is kept as long as the directory does not change, so that to
/// ask again costs little: what a unit itself becomes meanwhile is not seen, and has to be looked at before
/// it is deleted.
class UnitListing {
  public:
    /// The quarantine, which may lie where deliverers can put a link in its place, is not followed if it is a
    /// link. `control_extension`: units in the handshake of the arrivals protocol, as control files with this
    /// extension tell, are left out. Empty: none is.
    UnitListing(std::filesystem::path directory, UnitPlace place, files::UnitNames names,
                std::string control_extension);
    ~UnitListing();
    UnitListing(UnitListing&& other) noexcept;
    UnitListing& operator=(UnitListing&& other) noexcept;

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    [[nodiscard]] UnitPlace place() const noexcept { return place_; }
    /// Lists the units, as far as there is time; false: to be called again, for it goes on from there. A
    /// directory that is not there has no units. Throws std::system_error.
    bool list(const TimeLeft& time_left);
    /// Whether list() has begun, and not come to its end.
    [[nodiscard]] bool is_under_way() const noexcept { return reading_ != nullptr; }
    /// What it has found; none as long as it is under way.
    [[nodiscard]] const std::vector<Unit>& units() const noexcept { return units_; }
    /// The directory itself; invalid, with errno, where it is not there.
    [[nodiscard]] process::UniqueFd open() const;
    /// The next list() looks at everything anew.
    void forget();
    /// What control files of the unit would be called.
    [[nodiscard]] std::vector<std::string> control_files(const Unit& unit) const;

  private:
    class KnownUnits;
    struct Reading;

    [[nodiscard]] bool follows_link() const { return place_ != UnitPlace::quarantine; }
    bool begin_reading();
    void take(const std::string& name);
    void end_reading();
    [[nodiscard]] std::optional<Unit> look_at(int directory_fd, const std::string& name) const;

    std::filesystem::path directory_;
    UnitPlace place_;
    files::UnitNames names_;
    std::string control_extension_;
    std::vector<Unit> units_;
    std::unique_ptr<Reading> reading_;
    std::int64_t listed_at_change_ = -1;  ///< The directory's own ctime; -1: list it again.
    std::uint64_t listed_inode_ = 0;
};

}  // namespace mistamover::disk_space
