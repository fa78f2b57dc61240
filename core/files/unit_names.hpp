// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mistamover::files {

/// Which names in a stream's directory are units: no dot-file, not the quarantine, not excluded, included.
class UnitNames {
  public:
    /// Globs as fnmatch(3) knows them; an empty `include` is everything. `quarantine_dir` need not lie in
    /// `directory`; links in either are resolved, once.
    UnitNames(const std::filesystem::path& directory, const std::filesystem::path& quarantine_dir,
              std::vector<std::string> include, std::vector<std::string> exclude);
    /// For the quarantine and the incoming directory: everything but dot-files.
    UnitNames() = default;

    [[nodiscard]] bool contain(const std::string& name) const;
    /// The quarantine's name, where it lies in the directory itself; else empty.
    [[nodiscard]] const std::string& quarantine_name() const noexcept {
        return quarantine_name_.empty() ? quarantine_target_ : quarantine_name_;
    }

  private:
    std::string quarantine_name_;
    std::string quarantine_target_;  ///< Its name with links resolved.
    std::vector<std::string> include_;
    std::vector<std::string> exclude_;
};

}  // namespace mistamover::files
