// SPDX-License-Identifier: BSD-3-Clause
#include "stream/unit_intake.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace mistamover::stream {

UnitIntake::UnitIntake(process::EventLoop& loop, const config::StreamSettings& settings,
                       SourceDirectory& source, UnitQueue& queue, Ledger& ledger,
                       std::function<void()> on_news)
    : loop_(loop),
      settings_(settings),
      source_(source),
      queue_(queue),
      ledger_(ledger),
      on_news_(std::move(on_news)) {}

void UnitIntake::look() {
    news_at_ = Clock::now();
    try {
        find_units();
        unlisted_ = false;
    } catch (const std::system_error& error) {
        if (!std::exchange(unlisted_, true)) {
            ledger_.note_error(error.what());
            ledger_.leave(source_.path().string(), error.what());
        }
    }
    if ((!watched_ || unlisted_) && !stopped_) {
        loop_.cancel(timer_);
        timer_ = loop_.call_after(settings_.global.general_poll_interval, [this] { look(); });
    }
    on_news_();
}

void UnitIntake::find_units() {
    if (settings_.outgoing.mode == TransferMode::mirror) {
        queue_.add({whole_directory, {}});
        return;
    }
    for (const Candidate& candidate : source_.scan()) {
        queue_.add(candidate);
    }
}

void UnitIntake::set_watched(bool watched) {
    watched_ = watched;
    look();
}

void UnitIntake::changed(const std::vector<std::string>& names) {
    news_at_ = Clock::now();
    for (const std::string& name : names) {
        if (!source_.is_unit(name)) {
            continue;
        }
        if (settings_.outgoing.mode == TransferMode::mirror) {
            queue_.add({whole_directory, {}});
        } else if (const std::optional<Candidate> candidate = source_.find_possible(name)) {
            queue_.add(*candidate);
        }
    }
    on_news_();
}

// Never asked of a mirror, of whose source nothing is deleted.
std::vector<std::string> UnitIntake::hold(const std::vector<std::string>& names) {
    std::vector<std::string> held;
    std::copy_if(names.begin(), names.end(), std::back_inserter(held),
                 [this](const std::string& name) { return queue_.hold(name); });
    return held;
}

void UnitIntake::release() {
    const std::set<std::string> released = queue_.release();
    changed({released.begin(), released.end()});
}

}  // namespace mistamover::stream
