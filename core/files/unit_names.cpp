// SPDX-License-Identifier: BSD-3-Clause
#include "files/unit_names.hpp"

#include <algorithm>
#include <fnmatch.h>
#include <utility>

namespace mistamover::files {
namespace {

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
}

}  // namespace

UnitNames::UnitNames(const std::filesystem::path& directory, const std::filesystem::path& quarantine_dir,
                     std::vector<std::string> include, std::vector<std::string> exclude)
    : include_(std::move(include)), exclude_(std::move(exclude)) {
    if (quarantine_dir.lexically_normal().parent_path() == directory.lexically_normal()) {
        quarantine_name_ = quarantine_dir.filename().string();
    }
}

bool UnitNames::contain(const std::string& name) const {
    return !name.empty() && name.front() != '.' && name != quarantine_name_ &&
           (include_.empty() || matches_any(include_, name)) && !matches_any(exclude_, name);
}

}  // namespace mistamover::files
