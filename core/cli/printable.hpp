// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "logging/log_format.hpp"

namespace mistamover::cli {

/// As the logs show it: in one line, with nothing that a terminal acts on. File names may hold any bytes.
inline std::string printable(std::string_view text) {
    std::string shown;
    logging::append_escaped_text(shown, text);
    return shown;
}

}  // namespace mistamover::cli
