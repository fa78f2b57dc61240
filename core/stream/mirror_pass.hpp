// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "stream/mirror_difference.hpp"
#include "stream/name_guard.hpp"
#include "stream/proof.hpp"
#include "stream/settling.hpp"
#include "stream/source_directory.hpp"
#include "stream/source_mark.hpp"

namespace mistamover::stream {

struct MirrorResult {
    Status session;  ///< Of session or stream scope where it is not ok.
    Status item;     ///< The first failure of a single entry.
    std::uint64_t sent = 0;
    std::uint64_t bytes = 0;
    std::uint64_t removed = 0;
    /// What was left out because it was being written or may not be complete; another pass is needed.
    std::vector<std::string> unsettled;
    std::int64_t settle_ms = 0;        ///< When to look at it again.
    std::vector<std::string> actions;  ///< For the log, one line each.
};

/// Makes the target equal to the stream's directory, through one session; never touches the source. Natively
/// where the module can, else by listing, sending and removing. Used by the session's thread.
class MirrorPass {
  public:
    /// `names`: null where the target does not take names for one. All must outlive this object.
    MirrorPass(const SourceDirectory& source, SourceMark& mark, Settling& settling,
               const config::OutgoingSettings& settings, border::Session& session, NameGuard* names,
               const CancelToken& cancel);
    MirrorResult run();

  private:
    using Entries = std::vector<const ManifestEntry*>;

    MirrorSource look_at_source();
    void look_at_unit(const std::string& name, MirrorSource& source);
    [[nodiscard]] bool wait_until_settled() const;
    void leave_out_missing_mounts(MirrorSource& source);
    [[nodiscard]] bool may_be_unmounted(const MirrorSource& source);
    [[nodiscard]] bool would_remove_most(const MirrorSource& source);
    [[nodiscard]] bool list_target(const MirrorSource& source, std::vector<TargetEntry>& target);
    [[nodiscard]] MirrorDifference difference_of(const MirrorSource& source,
                                                 const std::vector<TargetEntry>& target) const;
    void run_natively(const MirrorSource& source);
    void run_step_by_step(const MirrorSource& source);
    bool removal_allowed(const MirrorDifference& difference);
    void keep_names_apart(MirrorDifference& difference, bool removing);
    Entries take_met(Entries& entries);
    void prove_names();
    void send(const Entries& entries);
    void send_batch(std::span<const ManifestEntry* const> entries);
    void remove(const std::vector<std::string>& paths);
    void note(const Status& status);

    const SourceDirectory& source_;
    SourceMark& mark_;
    Settling& settling_;
    const config::OutgoingSettings& settings_;
    border::Session& session_;
    Capabilities capabilities_;
    NameGuard* names_;
    const CancelToken& cancel_;
    Prover prover_;
    MirrorResult result_;
    std::vector<std::string> proved_;  ///< What was sent and proved, where the target takes names for one.
};

}  // namespace mistamover::stream
