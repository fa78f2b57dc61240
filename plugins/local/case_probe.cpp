// SPDX-License-Identifier: BSD-3-Clause
#include "local/case_probe.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace mistamover::local {

// The directory of temporary files may be there from an earlier run.
bool CaseProbe::tells_apart(const LocalOptions& options) {
    const std::lock_guard lock(mutex_);
    struct stat found = {};
    if (::stat(options.target_dir.c_str(), &found) != 0) {
        return false;
    }
    const std::pair<dev_t, ino_t> directory(found.st_dev, found.st_ino);
    if (tells_apart_ && directory == directory_) {
        return *tells_apart_;
    }
    directory_ = directory;
    tells_apart_.reset();
    std::string upper_case = options.temp_dir;
    std::transform(upper_case.begin(), upper_case.end(), upper_case.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const std::filesystem::path target(options.target_dir);
    const std::string asked = target / upper_case;
    const std::string probe = target / options.temp_dir;
    const bool made = ::mkdir(probe.c_str(), 0700) == 0;
    if (made || errno == EEXIST) {
        const bool is_one = ::lstat(asked.c_str(), &found) == 0;
        tells_apart_ = is_one || errno == ENOENT ? std::optional(!is_one) : std::nullopt;
    }
    if (made) {
        (void)::rmdir(probe.c_str());
    }
    return tells_apart_.value_or(false);
}

}  // namespace mistamover::local
