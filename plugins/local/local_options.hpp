// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <string>

#include <mistamover/border.hpp>

namespace mistamover::local {

inline constexpr std::array option_specs{
    OptionSpec{"fsync", OptionType::boolean, "false",
               "Bring every file and its directory entry to the disk before it counts as delivered"},
};

/// What the module needs of the stream's settings and of its own section.
struct LocalOptions {
    /// Throws StatusError (`configuration`, stream scope) where target_dir is not an absolute path.
    explicit LocalOptions(const ModuleSettings& settings);

    std::string target_dir;
    std::string temp_dir;
    bool fsync;
    bool limited_bandwidth;
    TransferMode mode;
};

}  // namespace mistamover::local
