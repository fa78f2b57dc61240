// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "disk_space/deletion_plan.hpp"

namespace mistamover::disk_space {

/// Which units of a directory are in the handshake of the arrivals protocol: those for which there is a
/// control file, of their own or of the zip file that is sent of a directory. Pure.
class UnitsInHandshake {
  public:
    /// `control_extension`: of control files, without its dot; empty: there are none.
    explicit UnitsInHandshake(std::string control_extension)
        : control_extension_(std::move(control_extension)) {}

    /// There is a dot-file of this name.
    void note(std::string_view dot_file);
    [[nodiscard]] bool are_known() const noexcept { return !noted_.empty(); }
    [[nodiscard]] bool contain(const Unit& unit) const;

    /// The names that the control files of a unit would have.
    [[nodiscard]] static std::vector<std::string> control_files(const Unit& unit,
                                                                std::string_view control_extension);

  private:
    [[nodiscard]] bool contain_data(const std::string& data_name) const;

    std::string control_extension_;
    /// Data files, and the names of control files themselves that may be cut, and do not tell of which.
    std::unordered_set<std::string> noted_;
};

}  // namespace mistamover::disk_space
