// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rsync/rsync_look.hpp"

namespace mistamover::rsync {

/// One remove, as one rsync for each depth of the paths, and a look at what was not told as removed. A server
/// that refuses to be told what is missing here is told by rules what it may delete.
class RemoveRun {
  public:
    /// All must outlive it. `parents`: the path of a local directory of its own, for as long as it runs.
    RemoveRun(Runner& runner, const CommandBuilder& commands, Shared& shared, Look& look,
              std::filesystem::path parents, std::span<const std::string_view> paths, RemoveSink& sink);

    /// As Session::remove.
    Status run();

  private:
    /// These remove paths of one depth, or some of them: ok, or what keeps it from removing any more.
    Status remove(std::span<const std::string_view> level);
    Status remove_by_rules(std::span<const std::string_view> level);
    /// Refuses the paths whose parents it cannot make, and returns the others.
    std::vector<std::string_view> make_parents(std::span<const std::string_view> paths);
    ChildEnd run_rsync(const CommandWithInput& command);
    [[nodiscard]] Status status_of(const ChildEnd& end);
    /// For a server that deletes nothing.
    Status refuse_the_rest();

    void end(std::string_view path, const Status& status);
    [[nodiscard]] std::vector<std::string_view> open() const;
    Status look_for_unremoved();

    Runner& runner_;
    const CommandBuilder& commands_;
    Shared& shared_;
    Look& look_;
    std::filesystem::path parents_;
    std::span<const std::string_view> paths_;
    RemoveSink& sink_;
    /// Those that have not been told the end of. A name may stand there twice.
    std::unordered_multimap<std::string_view, std::size_t> open_;
};

}  // namespace mistamover::rsync
