// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "process/event_loop.hpp"
#include "stream/ledger.hpp"
#include "stream/source_directory.hpp"
#include "stream/unit_queue.hpp"

namespace mistamover::stream {

/// How units become known: told of one by one, or found where the whole directory is looked at, which is done
/// again and again as long as nobody can tell of changes. Lives on the event loop's thread.
class UnitIntake {
  public:
    using Clock = process::EventLoop::Clock;

    /// `on_news` is called after each call that may have made units known. All must outlive the object.
    UnitIntake(process::EventLoop& loop, const config::StreamSettings& settings, SourceDirectory& source,
               UnitQueue& queue, Ledger& ledger, std::function<void()> on_news);
    ~UnitIntake() { loop_.cancel(timer_); }
    UnitIntake(const UnitIntake&) = delete;
    UnitIntake& operator=(const UnitIntake&) = delete;

    /// Looks at the whole directory. What keeps it from that is told once, and tried again.
    void look();
    /// The directory is watched, or is not: then it is looked at now and then. Looks at once, too.
    void set_watched(bool watched);
    /// These names may be others than they were.
    void changed(const std::vector<std::string>& names);
    /// Holds back those that are not on their way, of which it returns the names, until release().
    std::vector<std::string> hold(const std::vector<std::string>& names);
    void release();
    /// Looks at the directory by itself no more.
    void stop() noexcept { stopped_ = true; }

    [[nodiscard]] bool is_watched() const noexcept { return watched_; }
    /// When units were last found or told of.
    [[nodiscard]] Clock::time_point news_at() const noexcept { return news_at_; }

  private:
    void find_units();

    process::EventLoop& loop_;
    const config::StreamSettings& settings_;
    SourceDirectory& source_;
    UnitQueue& queue_;
    Ledger& ledger_;
    std::function<void()> on_news_;
    bool watched_ = true;
    bool unlisted_ = false;  ///< The directory could not be listed when it was looked at last.
    bool stopped_ = false;
    Clock::time_point news_at_{};
    process::EventLoop::TimerId timer_ = 0;
};

}  // namespace mistamover::stream
