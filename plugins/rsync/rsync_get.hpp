// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "rsync/rsync_runner.hpp"

namespace mistamover::rsync {

/// The reading of small files, many by one rsync, by way of a local directory of its own.
class GetBatch {
  public:
    GetBatch(Runner& runner, const CommandBuilder& commands, std::filesystem::path directory)
        : runner_(runner), commands_(commands), directory_(std::move(directory)) {}

    /// Tells `sink` the files that it gets, and `missing` the indices of the others. ok, or what kept it from
    /// getting any more; what fails on this machine is the session's failure. Throws StatusError.
    Status run(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink,
               std::vector<std::size_t>& missing);

  private:
    Status fetch(std::span<const std::string_view> paths, std::uint64_t limit);
    /// What rsync could not write into the local directory; ok where it complains of no such thing.
    [[nodiscard]] Status failure_here(const ChildEnd& end) const;

    Runner& runner_;
    const CommandBuilder& commands_;
    std::filesystem::path directory_;
};

}  // namespace mistamover::rsync
