// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <dirent.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mistamover::files {

/// Reads the names in a directory one by one; what it takes, leaves out and throws is as with
/// directory_names.
class DirectoryReader {
  public:
    DirectoryReader(int directory_fd, const std::string& path, std::string what);
    /// Nothing after the last.
    std::optional<std::string> next();
    /// The directory itself.
    [[nodiscard]] int fd() const noexcept { return ::dirfd(directory_.get()); }

  private:
    struct Close {
        void operator()(DIR* directory) const noexcept { ::closedir(directory); }
    };

    std::string what_;
    std::unique_ptr<DIR, Close> directory_;
};

/// The names in the directory `path`, relative to `directory_fd` and following no link; "." and ".." are left
/// out, in no order. Throws std::system_error, naming `what`, where the directory cannot be opened or cannot
/// be read to its end: a list is whole or there is none.
std::vector<std::string> directory_names(int directory_fd, const std::string& path, const std::string& what);

}  // namespace mistamover::files
