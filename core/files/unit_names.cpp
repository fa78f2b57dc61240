// SPDX-License-Identifier: BSD-3-Clause
#include "files/unit_names.hpp"

#include <algorithm>
#include <fnmatch.h>
#include <system_error>
#include <utility>

namespace mistamover::files {
namespace {

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
}

// With links resolved, as far as it exists: two names of one directory are one directory.
std::filesystem::path canonical_path(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, error);
    std::filesystem::path found = error ? path.lexically_normal() : canonical;
    return found.has_filename() ? found : found.parent_path();
}

}  // namespace

UnitNames::UnitNames(const std::filesystem::path& directory, const std::filesystem::path& quarantine_dir,
                     std::vector<std::string> include, std::vector<std::string> exclude)
    : include_(std::move(include)), exclude_(std::move(exclude)) {
    if (quarantine_dir.empty()) {
        return;
    }
    std::filesystem::path named = quarantine_dir.lexically_normal();
    named = named.has_filename() ? named : named.parent_path();
    const std::filesystem::path real = canonical_path(named);
    const std::filesystem::path inside = canonical_path(directory);
    if (real.parent_path() == inside) {
        quarantine_target_ = real.filename().string();
    }
    if (canonical_path(named.parent_path()) == inside) {
        quarantine_name_ = named.filename().string();
    }
}

bool UnitNames::contain(const std::string& name) const {
    return !name.empty() && name.front() != '.' && name != quarantine_name_ && name != quarantine_target_ &&
           (include_.empty() || matches_any(include_, name)) && !matches_any(exclude_, name);
}

}  // namespace mistamover::files
