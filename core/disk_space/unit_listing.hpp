// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
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
    /// link. `control_extension`: a unit NAME for which there is a `.NAME.<control_extension>` is in the
    /// handshake of the arrivals protocol, and left out. Empty: none is.
    UnitListing(std::filesystem::path directory, UnitPlace place, files::UnitNames names,
                std::string control_extension);

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    [[nodiscard]] UnitPlace place() const noexcept { return place_; }
    /// Throws std::system_error; a directory that is not there has no units.
    const std::vector<Unit>& units();
    /// The directory itself; invalid, with errno, where it is not there.
    [[nodiscard]] process::UniqueFd open() const;
    /// Whatever is asked for next is looked at anew.
    void forget();
    /// The name of the control file of a unit; empty: it can have none.
    [[nodiscard]] std::string control_file(const std::string& name) const;

  private:
    [[nodiscard]] bool follows_link() const { return place_ != UnitPlace::quarantine; }
    void list(int directory_fd);
    [[nodiscard]] std::optional<Unit> look_at(int directory_fd, const std::string& name) const;

    std::filesystem::path directory_;
    UnitPlace place_;
    files::UnitNames names_;
    std::string control_extension_;
    std::vector<Unit> units_;
    std::int64_t listed_at_change_ = -1;  ///< The directory's own ctime; -1: list it again.
    std::uint64_t listed_inode_ = 0;
};

}  // namespace mistamover::disk_space
