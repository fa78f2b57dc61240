// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "stream/session_limit.hpp"
#include "stream/worker.hpp"

namespace mistamover::stream {

/// The workers of a stream, each made when it is first needed, and how many of them the target lets in. Used
/// by one thread.
class Workers {
  public:
    using Clock = std::chrono::steady_clock;

    /// `shared` must outlive it.
    Workers(Worker::Shared& shared, std::size_t most) : shared_(shared), most_(most), limit_(most) {}

    [[nodiscard]] std::size_t most() const noexcept { return most_; }
    /// `index` is below most().
    Worker& at(std::size_t index);
    /// For a job that goes alone, while all are idle: one that has a session, which need not be opened and
    /// may be all that the target lets in; else the first.
    Worker& for_one_alone();
    [[nodiscard]] auto begin() const noexcept { return workers_.begin(); }
    [[nodiscard]] auto end() const noexcept { return workers_.end(); }

    [[nodiscard]] bool all_idle() const;
    [[nodiscard]] std::size_t open_sessions() const;
    /// How many may have a session.
    [[nodiscard]] std::size_t allowed(Clock::time_point now) const noexcept { return limit_.at(now); }
    /// Those that have a session go on with it; others get one where the target is known to let one more in.
    [[nodiscard]] bool may_start(const Worker& candidate, Clock::time_point now) const;
    [[nodiscard]] bool any_may_start(Clock::time_point now) const;
    /// The target let in no more than the `open` sessions; true the first time.
    bool refused_one_more(std::size_t open, Clock::time_point now) { return limit_.refused(open, now); }

    void close();
    void clear() { workers_.clear(); }

  private:
    Worker::Shared& shared_;
    std::size_t most_;
    SessionLimit limit_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace mistamover::stream
