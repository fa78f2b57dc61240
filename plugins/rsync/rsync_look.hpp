// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rsync/rsync_command.hpp"
#include "rsync/rsync_output.hpp"
#include "rsync/rsync_runner.hpp"

namespace mistamover::rsync {

/// Looks at what is at the target, by rsyncs that list and send nothing.
class Look {
  public:
    /// All must outlive it. `master`: null where no connection is shared.
    Look(Shared& shared, Runner& runner, const CommandBuilder& commands, SshMaster* master)
        : shared_(shared), runner_(runner), commands_(commands), master_(master) {}

    using EntryHandler = std::function<void(const ListLine&)>;
    /// Asks for the entries of a name_list(); those that are not there are not told. `complete` becomes false
    /// where some may be there and could not be looked at.
    Status named(const std::string& names, const EntryHandler& on_entry, bool& complete);
    /// What is at `path`; nothing where nothing is there. Throws StatusError where that cannot be told.
    std::optional<EntryInfo> find(std::string_view path);

  private:
    ChildEnd run_list(const std::string& names, const EntryHandler& on_entry);

    Shared& shared_;
    Runner& runner_;
    const CommandBuilder& commands_;
    SshMaster* master_;
};

}  // namespace mistamover::rsync
