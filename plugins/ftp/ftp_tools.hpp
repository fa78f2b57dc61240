// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include <mistamover/border.hpp>
#include <mistamover/leftovers.hpp>

#include "ftp/ftp_clock.hpp"
#include "ftp/ftp_data.hpp"
#include "ftp/ftp_names.hpp"

namespace mistamover::ftp {

/// Names for temporary files that no other session or process uses, with nothing of the final name in them,
/// which may be as long as a name can be. Safe from several threads.
class TempNames {
  public:
    TempNames();
    /// A name relative to the target directory. `resumable`: another session may go on with that file.
    std::string next(const FtpOptions& options, bool resumable = false);

  private:
    std::string prefix_;
    std::atomic<std::uint64_t> count_{0};
};

/// What all sessions of a module share.
struct ModuleState {
    TempNames temp_names;
    std::atomic<bool> logged_in{false};
    std::mutex probing;                         ///< Held by the session that finds these out.
    std::atomic<std::uint64_t> probe_steps{0};  ///< Grows as the server answers that session.
    std::atomic<bool> probed{false};            ///< The next six are known.
    std::atomic<bool> renames_over{false};      ///< A rename replaces a file that is there.
    std::atomic<bool> has_temp_dir{true};       ///< The temporary directory can be made.
    std::atomic<bool> sizes_by_mlst{false};     ///< SIZE tells none.
    std::atomic<bool> lists{true};              ///< Directories can be listed.
    std::atomic<bool> sets_times{true};         ///< MFMT is not refused where it is there.
    std::atomic<bool> doubles_iac{true};        ///< See NameRules.
    std::atomic<bool> lists_hidden{false};      ///< A listing has shown a dot-name.
    KeptNames kept_names;
    ServerClock clock;
    std::atomic<bool> warned_of_direct{false};  ///< See Put.
    std::atomic<bool> warned_of_names{false};
    Leftovers leftovers;
};

/// What the parts of a session work with.
struct Tools {
    const FtpOptions& options;
    Control& control;
    DataChannel& data;
    ModuleState& shared;
    SessionContext& context;

    /// Whether the times of what is stored are those that it is given.
    [[nodiscard]] bool keeps_times() const { return control.features().mfmt && shared.sets_times; }
};

}  // namespace mistamover::ftp
