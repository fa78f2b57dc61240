// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "plugin_host/plugin.hpp"

namespace mistamover::stream {

/// Keeps a unit from replacing another at a target that takes two names for one, as Windows and macOS do with
/// names that differ in the case of letters alone: what was proved first would be lost. Asks nothing of how
/// the target compares names, only what it has and how it spells it.
class NameGuard {
  public:
    /// What the sessions of a stream share. Safe from several threads.
    struct Shared {
        /// The last two where it cannot be told: what is assumed for a while.
        enum class Answer : std::uint8_t { unknown, tells_apart, takes_for_one, assumed_one, assumed_apart };
        std::atomic<Answer> answer{Answer::unknown};
        /// Only of an answer that is assumed.
        std::atomic<std::chrono::steady_clock::time_point> assumed_until{};
        /// Sessions that begin at once leave it to one of them.
        std::mutex asking;
        /// The target could be listed at least once, so that it can be again.
        std::atomic<bool> was_listed{false};
        /// Held from the check to the proof: of two units that the target takes for one, one must be there
        /// first.
        std::mutex sending;
    };

    /// `temp_dir`: ModuleSettings::temp_dir, which is asked for in the other case.
    NameGuard(border::Session& session, Capabilities capabilities, std::string temp_dir, Shared& shared);

    /// Finds out of which kind the target is, where that is not known yet; it may make the temporary
    /// directory for that. `can`: it takes names for one, or it cannot be told and a listing of what it has
    /// succeeds. Not ok where the session fails.
    Status can_meet(bool& can);
    /// The same for whoever needs a guard then; not ok, too, where the target is one that cannot be guarded.
    Status find_out(bool& needed);
    [[nodiscard]] std::unique_lock<std::mutex> alone() { return std::unique_lock(shared_.sending); }

    /// Which of the paths lead to something that the target spells otherwise: a put would replace that.
    Status find_others(std::span<const std::string> paths, std::vector<bool>& others);
    /// Which of the paths are not at the target in this very spelling.
    Status find_missing(std::span<const std::string> paths, std::vector<bool>& missing);

  private:
    [[nodiscard]] Shared::Answer known() const;
    Status find_answer(Shared::Answer& answer);
    Status ask(Shared::Answer& answer);
    Status assume(Shared::Answer& answer);

    border::Session& session_;
    Capabilities capabilities_;
    std::string temp_dir_;
    Shared& shared_;
};

/// Why a unit is not sent to such a target.
Status taken_for_one(const std::string& path);

}  // namespace mistamover::stream
