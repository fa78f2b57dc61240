// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "stream/target_directory.hpp"
#include "stream/target_mark.hpp"

namespace mistamover::stream {

/// When the stream's own temporary directory at the target must be emptied, and of what: of all before the
/// first unit is sent, of what no put can go on with after a session has failed. Asks no target itself. Owns
/// the mark that outlives a crash. Used by one thread.
class TargetCleaning {
  public:
    /// `work_dir`: the stream's own.
    explicit TargetCleaning(const std::filesystem::path& work_dir) : mark_(work_dir) {}

    /// Units may be sent: nothing must be removed first.
    [[nodiscard]] bool is_clean() const noexcept { return due_ == Cleaning::none; }
    [[nodiscard]] bool is_under_way() const noexcept { return under_way_; }
    /// It is worth the way to the target even if there is nothing to send.
    [[nodiscard]] bool something_may_lie_there() const { return mark_.is_set(); }

    /// What is to be removed now, while no session sends.
    [[nodiscard]] Cleaning begin() noexcept;
    /// `result`: of the job that was begun.
    void ended(const BatchResult& result) noexcept;
    /// From now on a crash may leave something there.
    void will_send() noexcept { mark_.set(); }
    /// One that sent, which may have left something there.
    void session_failed() noexcept;
    /// Nobody will go on with what was left there for that.
    void nothing_left_to_send() noexcept;
    /// The stream ends. `clean`: the session could empty the directory.
    void session_closed(bool clean) noexcept { left_clean_ = left_clean_ && clean; }
    /// All sessions have been closed.
    void over() noexcept;

  private:
    TargetMark mark_;
    Cleaning due_ = Cleaning::all;
    bool under_way_ = false;
    bool leftovers_kept_ = false;  ///< Something may lie there with which a put may go on.
    bool left_clean_ = true;
};

}  // namespace mistamover::stream
