// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rsync/rsync_runner.hpp"

namespace mistamover::rsync {

/// One mirror request. Where more entries vanished than the request allows to remove, none is removed.
class MirrorRun {
  public:
    /// `temp_dir`: RsyncOptions::temp_dir.
    MirrorRun(Runner& runner, const CommandBuilder& commands, std::string_view temp_dir,
              const MirrorRequest& request, MirrorSink& sink);

    /// As Session::mirror.
    Status run();

  private:
    Status count_vanished(std::uint64_t& count);
    /// Removes up to `max_remove`; nothing without it.
    Status send(std::optional<std::uint64_t> max_remove);
    Status run_rsync(const Arguments& arguments);
    [[nodiscard]] Status failure_of_part(const ChildEnd& end) const;
    void report_line(std::string_view line);

    Runner& runner_;
    const CommandBuilder& commands_;
    const MirrorRequest& request_;
    MirrorSink& sink_;
    std::string temp_dir_;
    std::string rules_;
};

}  // namespace mistamover::rsync
