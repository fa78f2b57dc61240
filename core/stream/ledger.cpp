// SPDX-License-Identifier: BSD-3-Clause
#include "stream/ledger.hpp"

#include <algorithm>
#include <ctime>
#include <system_error>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

/// Of a writer that has ended, mostly an event tells; a directory has none. Who has written for long may go
/// on for long.
constexpr RetryPolicy writer_rechecks{3s, 60s, true};
constexpr auto changed_recheck = 1s;
constexpr double whole_delay = 1;
/// One-off waits this long for what was written just before, but not for a writer that goes on.
constexpr auto one_off_patience = 10s;

// All others lead to another try.
bool is_last(Outcome outcome) {
    return outcome == Outcome::delivered || outcome == Outcome::left_over || outcome == Outcome::vanished ||
           outcome == Outcome::refused || outcome == Outcome::awaiting_receipt;
}

std::string text_of(const UnitResult& unit) {
    return unit.name + ": " + std::string(unit.status.text()) + " (" +
           std::string(to_string(unit.status.code())) + ')';
}

}  // namespace

Ledger::Ledger(const config::StreamSettings& settings, bool one_off, SourceDirectory& source,
               UnitQueue& queue, const logging::Logger& log)
    : settings_(settings),
      one_off_(one_off),
      source_(source),
      queue_(queue),
      log_(log),
      retry_policy_(retry_policy(settings)) {}

void Ledger::take_in(const std::vector<UnitResult>& units, Clock::time_point now) {
    lines_.clear();
    for (const UnitResult& unit : units) {
        take_in_unit(unit, now);
    }
    log_.log_many(LogLevel::info, lines_);
}

void Ledger::note_error(std::string_view text) {
    log_.error(text);
    last_error_ = text;
    last_error_time_ = std::time(nullptr);
}

void Ledger::take_in_unit(const UnitResult& unit, Clock::time_point now) {
    const bool patient = !one_off_ || now - started_ < one_off_patience;
    lines_.insert(lines_.end(), unit.actions.begin(), unit.actions.end());
    if (!is_last(unit.outcome) && is_excluded(unit.name)) {
        drop(unit);
        return;
    }
    switch (unit.outcome) {
        case Outcome::delivered:
            delivered(unit);
            return;
        case Outcome::left_over:
            left_behind(unit);
            delivered(unit);
            return;
        case Outcome::passed_over:
        case Outcome::no_room:
            passed_over(unit, now);
            return;
        case Outcome::vanished:
            gone(unit.name);
            return;
        case Outcome::being_written:
            queue_.wait(unit.name, now + writer_rechecks.delay(queue_.count_written(unit.name), whole_delay),
                        true, "it is still being written");
            return;
        case Outcome::settling:
            queue_.wait(unit.name, now + std::chrono::milliseconds{unit.settle_ms},
                        !patient && !is_first_wait(unit.name),
                        "it has changed just now and may not be complete");
            return;
        case Outcome::displaced:
            left_behind(unit);
            [[fallthrough]];  // for what may have its name by now
        case Outcome::changed:
            log_.info(unit.name + " changed while it was being sent; it is sent again");
            queue_.wait(unit.name, now + changed_recheck, !one_off_ || !patient,
                        "it changed while it was being sent");
            return;
        case Outcome::held:
            queue_.wait(unit.name, now + changed_recheck, !patient, std::string(unit.status.text()));
            return;
        case Outcome::not_tried:
            queue_.put_back(unit.name);
            return;
        case Outcome::awaiting_receipt:
            return;
        case Outcome::failed:
            failed(unit, now);
            return;
        case Outcome::refused:
            give_up(unit, text_of(unit), now);
            return;
    }
}

// True of what was sent before the configuration excluded it, and has been waited for since.
bool Ledger::is_excluded(const std::string& name) const {
    return settings_.outgoing.mode == TransferMode::move && !source_.is_unit(name);
}

void Ledger::drop(const UnitResult& unit) {
    constexpr std::string_view why = "it is not sent again, since the configuration excludes it now";
    if (unit.outcome == Outcome::displaced) {
        left_behind(unit);
    } else if (unit.outcome == Outcome::failed) {
        note_error(text_of(unit) + "; " + std::string(why));
    } else {
        log_.info(unit.name + ": " + std::string(why));
    }
    queue_.done(unit.name);
}

void Ledger::delivered(const UnitResult& unit) {
    ++delivered_units_;
    delivered_bytes_ += unit.bytes;
    completion_seen_ = completion_seen_ || unit.name == settings_.completion_file;
    if (settings_.outgoing.mode == TransferMode::mirror) {
        queue_.done_unless_changed(unit.name);
        return;
    }
    if (log_.logs(LogLevel::info)) {
        lines_.push_back("delivered " + unit.name + " (" + std::to_string(unit.bytes) + " bytes)");
    }
    gone(unit.name);
}

// On a remote file system whatever is there must settle once, however late in a long run it is looked at.
bool Ledger::is_first_wait(const std::string& name) {
    return one_off_ && have_waited_.insert(name).second;
}

void Ledger::left_behind(const UnitResult& unit) {
    quarantined_ += unit.stays_aside ? 0 : 1;
    note_error(text_of(unit));
    leave(unit.name, std::string(unit.status.text()));
}

void Ledger::recovered(const SourceDirectory::Recovered& unit, bool was_delivered) {
    const std::string story = "an earlier process was ended while it deleted " + unit.name +
                              (was_delivered ? ", which had been delivered" : "");
    const std::string what = was_delivered ? "the rest of it" : "it";
    if (!unit.error.empty()) {
        note_error(story + ": " + what + " stays set aside until the next start: " + unit.error);
        leave(unit.name, unit.error);
    } else if (!unit.quarantined_as.empty()) {
        ++quarantined_;
        note_error(story + ": " + what + " is in the quarantine as " + unit.quarantined_as);
        leave(unit.name, "quarantined: an earlier process was ended while it deleted it");
    } else {
        log_.warning(story + ": it has its name back and is sent again");
    }
}

// Others go first for a while. Nothing counts against it, but one-off does not wait for ever.
void Ledger::passed_over(const UnitResult& unit, Clock::time_point now) {
    const std::uint32_t times = queue_.count_pass(unit.name);
    passed_over_units_ += times == 1 ? 1 : 0;
    const std::string reason(unit.status.text());
    if (unit.outcome == Outcome::no_room && times == 1) {
        note_error(text_of(unit) + "; it waits, and the others go on");
    }
    if (one_off_ && times > settings_.outgoing.retry_count) {
        leave(unit.name, reason);
        queue_.done(unit.name);
        return;
    }
    const double jitter = std::uniform_real_distribution<>(0, 1)(random_);
    queue_.wait(unit.name, now + retry_policy_.delay(times, jitter), false, reason);
}

void Ledger::target_recovered() {
    if (passed_over_units_ - passed_over_before_ > settings_.outgoing.retry_count) {
        queue_.forget_passes();
    }
    passed_over_before_ = passed_over_units_;
}

void Ledger::leave(const std::string& name, const std::string& reason) {
    if (one_off_) {
        given_up_.push_back({name, reason});
    }
}

void Ledger::gone(const std::string& name) {
    queue_.done(name);
    // A new unit may have taken the name meanwhile, of which the event came while the queue knew the old one.
    const auto again = source_.is_unit(name) ? source_.find_possible(name) : std::nullopt;
    if (again) {
        queue_.add(*again);
    }
}

void Ledger::failed(const UnitResult& unit, Clock::time_point now) {
    const std::uint32_t failures = queue_.count_failure(unit.name);
    const std::string what = text_of(unit);
    if (failures >= std::max<std::uint32_t>(settings_.outgoing.retry_count, 1)) {
        give_up(unit, what, now);
        return;
    }
    note_error(what + ", try " + std::to_string(failures) + " of " +
               std::to_string(settings_.outgoing.retry_count));
    const double jitter = std::uniform_real_distribution<>(0, 1)(random_);
    queue_.wait(unit.name, now + retry_policy_.delay(failures, jitter), false,
                std::string(unit.status.text()));
}

void Ledger::give_up(const UnitResult& unit, const std::string& what, Clock::time_point now) {
    const std::string reason(unit.status.text());
    if (settings_.outgoing.mode == TransferMode::mirror) {
        // The source is never touched: it is tried again, now and then, and after a change.
        note_error(what);
        keep(unit.name, reason, now, true);
        return;
    }
    try {
        const std::string kept = source_.quarantine(unit.name);
        ++quarantined_;
        note_error(what + "; moved to the quarantine as " + kept);
        leave(unit.name, "quarantined: " + reason);
        gone(unit.name);
    } catch (const std::system_error& error) {
        note_error(what + "; " + error.what());
        keep(unit.name, reason + "; " + error.what(), now, false);
    }
}

// Of what can neither be delivered nor be put away. One-off leaves it to the next one.
void Ledger::keep(const std::string& name, const std::string& reason, Clock::time_point now, bool wakes) {
    if (one_off_ || is_excluded(name)) {
        leave(name, reason);
        queue_.done(name);
    } else {
        queue_.wait(name, now + retry_policy_.cap, wakes, reason);
    }
}

}  // namespace mistamover::stream
