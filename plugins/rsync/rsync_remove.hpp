// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rsync/rsync_look.hpp"

namespace mistamover::rsync {

/// One remove, as one rsync for each depth of the paths, and a look at what was not told as removed.
class RemoveRun {
  public:
    /// All must outlive it.
    RemoveRun(Runner& runner, const CommandBuilder& commands, const Shared& shared, Look& look,
              std::span<const std::string_view> paths, RemoveSink& sink);

    /// As Session::remove.
    Status run();

  private:
    void end(std::string_view path, const Status& status);
    [[nodiscard]] std::vector<std::string_view> open() const;
    Status look_for_unremoved();

    Runner& runner_;
    const CommandBuilder& commands_;
    const Shared& shared_;
    Look& look_;
    std::span<const std::string_view> paths_;
    RemoveSink& sink_;
    /// Those that have not been told the end of. A name may stand there twice.
    std::unordered_multimap<std::string_view, std::size_t> open_;
};

}  // namespace mistamover::rsync
