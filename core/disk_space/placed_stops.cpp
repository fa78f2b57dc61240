// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/placed_stops.hpp"

#include <cerrno>
#include <functional>
#include <unistd.h>

#include "process/throw_errno.hpp"

namespace mistamover::disk_space {

std::filesystem::path PlacedStops::link_to(const std::string& path) const {
    return directory_ / std::to_string(std::hash<std::string>{}(path));
}

void PlacedStops::add(const std::string& path) const {
    std::filesystem::create_directories(directory_);
    if (::symlink(path.c_str(), link_to(path).c_str()) != 0 && errno != EEXIST) {
        process::throw_errno("cannot remember " + path + " in " + directory_.string());
    }
}

void PlacedStops::remove(const std::string& path) const {
    if (::unlink(link_to(path).c_str()) != 0 && errno != ENOENT) {
        process::throw_errno("cannot forget " + path + " in " + directory_.string());
    }
}

std::vector<std::string> PlacedStops::paths() const {
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
        std::error_code no_link;
        const std::filesystem::path target = std::filesystem::read_symlink(entry.path(), no_link);
        if (!no_link) {
            paths.push_back(target.string());
        }
    }
    return paths;
}

}  // namespace mistamover::disk_space
