// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "ftp/ftp_tools.hpp"

namespace mistamover::ftp {

/// ok, or an item's failure where the server would give another name than that of `path` to what is stored
/// there, and so perhaps replace another unit, or where that cannot be told. Each kind of name is tried out
/// once, when it is met first. Throws StatusError where the connection fails or nothing can be stored.
Status check_name_kept(Tools tools, std::string_view path);

}  // namespace mistamover::ftp
