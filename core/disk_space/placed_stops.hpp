// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mistamover::disk_space {

/// Remembers which `.stop` files monitors have made, so that they are found when no stream has one of that
/// name any more. One for all monitors of a daemon: a directory with a link to each, which takes no space.
/// Throws std::system_error.
class PlacedStops {
  public:
    explicit PlacedStops(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Before the file is made.
    void add(const std::string& path) const;
    /// After it has gone.
    void remove(const std::string& path) const;
    [[nodiscard]] std::vector<std::string> paths() const;

  private:
    [[nodiscard]] std::filesystem::path link_to(const std::string& path) const;

    std::filesystem::path directory_;
};

}  // namespace mistamover::disk_space
