// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace mistamover::files {

/// The names in the directory `path`, relative to `directory_fd` and following no link; "." and ".." are left
/// out, in no order. Throws std::system_error, naming `what`, where the directory cannot be opened or cannot
/// be read to its end: a list is whole or there is none.
std::vector<std::string> directory_names(int directory_fd, const std::string& path, const std::string& what);

}  // namespace mistamover::files
