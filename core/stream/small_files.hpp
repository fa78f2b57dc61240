// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

namespace mistamover::stream {

struct SmallFile {
    std::optional<Status> status;  ///< Nothing: the session gave no answer.
    std::string text;              ///< Where the status is ok.
};

/// Reads small files at the target, together where the session can: one SmallFile a path in `files`. ok, or
/// the failure of session or stream scope that kept some from being read.
Status get_small_files(border::Session& session, Capabilities capabilities,
                       std::span<const std::string_view> paths, std::uint64_t limit,
                       std::vector<SmallFile>& files);

}  // namespace mistamover::stream
