// SPDX-License-Identifier: BSD-3-Clause
#include "stream/stream_controller.hpp"

#include <algorithm>
#include <ctime>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_batch_units = 2500;
constexpr std::uint64_t max_batch_bytes = 256ULL << 20U;
constexpr auto heartbeat_interval = 30s;
constexpr auto report_interval = 250ms;
constexpr auto writer_recheck = 3s;
constexpr auto changed_recheck = 1s;
constexpr auto one_off_patience = 10s;

}  // namespace

StreamController::StreamController(process::EventLoop& loop, process::Channel& channel,
                                   const config::StreamSettings& settings, bool one_off, logging::Logger log,
                                   SourceDirectory& source, border::Module& module,
                                   StreamSessionContext& context, CancelToken& cancel, std::string temp_dir)
    : loop_(loop),
      channel_(channel),
      settings_(settings),
      one_off_(one_off),
      log_(std::move(log)),
      source_(source),
      context_(context),
      cancel_(cancel),
      worker_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      shared_{source, settings, module, context, std::move(temp_dir), [fd = worker_event_.get()] {
                  ::eventfd_write(fd, 1);
              }} {
    retry_policy_.first = settings.outgoing.retry_delay.value_or(settings.global.general_poll_interval);
    retry_policy_.grows = !settings.outgoing.retry_delay;
    stopped_for_good_ = settings.stopped;
    loop_.watch(worker_event_.get(), EPOLLIN, [this](std::uint32_t) {
        eventfd_t count = 0;
        ::eventfd_read(worker_event_.get(), &count);
        collect_results();
    });
}

StreamController::~StreamController() {
    loop_.unwatch(worker_event_.get());
    loop_.cancel(timer_);
    loop_.cancel(report_timer_);
    loop_.cancel(poll_timer_);
}

void StreamController::start() {
    for (const std::string& name : source_.recover()) {
        log_.warning("an earlier process was ended while it deleted " + name +
                     ": it has its name back and is sent again");
    }
    if (!one_off_) {
        channel_.send(process::WatchRequest{source_.path().string(), false});
        send_heartbeat();
    }
    rescan();
}

void StreamController::send_heartbeat() {
    channel_.send(process::Heartbeat{});
    loop_.call_after(heartbeat_interval, [this] { send_heartbeat(); });
}

void StreamController::handle(const process::Message& message) {
    if (const auto* names = std::get_if<process::Changed>(&message)) {
        changed(names->names);
    } else if (std::holds_alternative<process::Rescan>(message)) {
        polling_ = false;
        rescan();
    } else if (const auto* failed = std::get_if<process::WatchFailed>(&message)) {
        log_.warning("the directory cannot be watched (" + failed->reason + "): it is looked at every " +
                     format_duration(settings_.global.general_poll_interval) + " instead");
        polling_ = true;
        rescan();
    } else if (const auto* stop_message = std::get_if<process::Stop>(&message)) {
        stop(std::chrono::milliseconds{stop_message->grace_ms});
    } else if (std::holds_alternative<process::StopStream>(message)) {
        log_.info("stopped after the units in hand");
        stopped_for_good_ = true;
        advance();
    }
}

void StreamController::stop(std::chrono::milliseconds grace) {
    if (!stopping_) {
        stopping_ = true;
        // The rest of the grace is for the modules to give up cleanly.
        loop_.call_after(grace * 3 / 4, [this] { cancel_.cancel(); });
    }
    advance();
}

void StreamController::rescan() {
    try {
        for (const Candidate& candidate : source_.scan()) {
            queue_.add(candidate);
        }
    } catch (const std::system_error& error) {
        note_error(error.what());
    }
    if (polling_ && !stopping_) {
        loop_.cancel(poll_timer_);
        poll_timer_ = loop_.call_after(settings_.global.general_poll_interval, [this] { rescan(); });
    }
    advance();
}

void StreamController::changed(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (source_.is_unit(name)) {
            if (const std::optional<Candidate> candidate = source_.find(name)) {
                queue_.add(*candidate);
            }
        }
    }
    advance();
}

void StreamController::advance() {
    if (finished_) {
        return;
    }
    dispatch();
    finish_if_done();
    set_timer();
    report_soon();
}

std::string StreamController::why_suspended() {
    const StopFile local = source_.stop_file();
    if (local == StopFile::operator_made) {
        return "a " + settings_.outgoing.stop_file + " file in the stream's directory";
    }
    if (Clock::now() < target_suspended_until_) {
        return "a " + settings_.outgoing.stop_file + " file in the target directory";
    }
    return "";
}

void StreamController::dispatch() {
    const auto now = Clock::now();
    if (stopping_ || closing_ || stopped_for_good_ || complete_ || stream_failure_ || cleaning_ ||
        now < back_off_until_) {
        return;
    }
    const std::size_t due = queue_.due(now);
    if (due == 0) {
        return;
    }
    suspended_ = why_suspended();
    if (!suspended_.empty()) {
        return;
    }
    // After a failure, and before the target is known to be clean, one worker goes ahead alone.
    const bool alone = !target_clean_ || session_failures_ > 0;
    const std::size_t parallel = alone ? 1 : settings_.outgoing.parallel_transfers;
    const std::size_t share = std::clamp<std::size_t>((due + parallel - 1) / parallel, 1, max_batch_units);
    for (std::size_t i = 0; i < parallel && (!alone || all_idle()); ++i) {
        if (i == workers_.size()) {
            workers_.push_back(std::make_unique<Worker>(shared_));
        }
        if (!workers_[i]->idle()) {
            continue;
        }
        // The first batch of all is small, so that the others need not wait for it long.
        std::vector<Candidate> batch = queue_.take(target_clean_ ? share : 1, max_batch_bytes, now);
        if (batch.empty()) {
            return;
        }
        cleaning_ = !target_clean_;
        workers_[i]->deliver(std::move(batch), cleaning_);
    }
}

void StreamController::collect_results() {
    for (const std::unique_ptr<Worker>& worker : workers_) {
        if (const std::optional<BatchResult> result = worker->take_result()) {
            if (!closing_) {
                take_in(*result);
            }
        }
    }
    advance();
}

void StreamController::take_in(const BatchResult& result) {
    const auto now = Clock::now();
    if (cleaning_) {
        cleaning_ = false;
        target_clean_ = result.session.ok();
    }
    std::vector<std::string> delivered;
    for (const UnitResult& unit : result.units) {
        take_in_unit(unit, now, delivered);
    }
    log_.log_many(LogLevel::info, delivered);
    if (result.target_suspended) {
        target_suspended_until_ = now + settings_.outgoing.stop_file_poll_interval;
        log_.info("suspended: the target directory has a " + settings_.outgoing.stop_file + " file");
    } else if (result.session.ok()) {
        session_worked();
    } else if (result.session.code() != StatusCode::cancelled) {
        session_failed(result.session, now);
    }
    if (!settings_.completion_file.empty() && !complete_ && queue_.size() == 0) {
        const auto is_completion = [&](const UnitResult& unit) {
            return unit.name == settings_.completion_file && unit.outcome == Outcome::delivered;
        };
        complete_ =
            std::any_of(result.units.begin(), result.units.end(), is_completion) && source_.scan().empty();
        if (complete_) {
            log_.info("complete: " + settings_.completion_file + " was delivered and the directory is empty");
        }
    }
}

void StreamController::take_in_unit(const UnitResult& unit, Clock::time_point now,
                                    std::vector<std::string>& delivered) {
    switch (unit.outcome) {
        case Outcome::delivered:
            ++delivered_units_;
            delivered_bytes_ += unit.bytes;
            if (log_.logs(LogLevel::info)) {
                delivered.push_back("delivered " + unit.name + " (" + std::to_string(unit.bytes) + " bytes)");
            }
            queue_.done(unit.name);
            // A new file may have taken the name meanwhile.
            if (const auto again = source_.find(unit.name);
                again && settings_.outgoing.mode == TransferMode::move) {
                queue_.add(*again);
            }
            return;
        case Outcome::vanished:
            queue_.done(unit.name);
            return;
        case Outcome::being_written:
            queue_.wait(unit.name, now + writer_recheck, true, "it is still being written");
            return;
        case Outcome::settling:
            // One-off waits for what was written just before, but not for a writer that goes on.
            queue_.wait(unit.name, now + std::chrono::milliseconds{unit.settle_ms},
                        one_off_ && now - started_ > one_off_patience,
                        "it has changed just now and may not be complete");
            return;
        case Outcome::changed:
            log_.info(unit.name + " changed while it was being sent; it is sent again");
            queue_.wait(unit.name, now + changed_recheck, true, "it changed while it was being sent");
            return;
        case Outcome::not_tried:
            queue_.put_back(unit.name);
            return;
        case Outcome::failed:
            unit_failed(unit, now);
            return;
    }
}

void StreamController::unit_failed(const UnitResult& unit, Clock::time_point now) {
    const std::uint32_t failures = queue_.count_failure(unit.name);
    const std::string what = unit.name + ": " + std::string(unit.status.text()) + " (" +
                             std::string(to_string(unit.status.code())) + ')';
    if (failures < std::max<std::uint32_t>(settings_.outgoing.retry_count, 1)) {
        note_error(what + ", try " + std::to_string(failures) + " of " +
                   std::to_string(settings_.outgoing.retry_count));
        const double jitter = std::uniform_real_distribution<>(0, 1)(random_);
        queue_.wait(unit.name, now + retry_policy_.delay(failures, jitter), false,
                    std::string(unit.status.text()));
        return;
    }
    failed_before_ = true;
    try {
        const std::string kept = source_.quarantine(unit.name);
        ++quarantined_;
        note_error(what + "; moved to the quarantine as " + kept);
        if (one_off_) {
            channel_.send(process::UnitLeft{unit.name, "quarantined: " + std::string(unit.status.text())});
        }
        queue_.done(unit.name);
    } catch (const std::system_error& error) {
        note_error(what + "; " + error.what());
        queue_.wait(unit.name, now + retry_policy_.cap, false, std::string(unit.status.text()));
    }
}

void StreamController::session_failed(const Status& status, Clock::time_point now) {
    session_failure_ = status;
    const std::string what = std::string(status.text()) + " (" + std::string(to_string(status.code())) + ')';
    if (status.scope() == StatusScope::stream) {
        if (!stream_failure_) {
            log_.critical("the stream has stopped until its configuration or the host is mended: " + what);
        }
        stream_failure_ = status;
        last_error_ = what;
        last_error_time_ = std::time(nullptr);
        return;
    }
    if (now < back_off_until_) {
        return;  // another worker met the same failure
    }
    if (++session_failures_ == 1) {
        note_error(what + "; the files are kept and it is tried again");
    } else {
        log_.debug(what);
    }
    const double jitter = std::uniform_real_distribution<>(0, 1)(random_);
    back_off_until_ = now + retry_policy_.delay(session_failures_, jitter);
}

void StreamController::session_worked() {
    if (session_failures_ > 0) {
        log_.info("the target can be used again");
    }
    session_failures_ = 0;
    back_off_until_ = {};
}

void StreamController::note_error(std::string_view text) {
    log_.error(text);
    last_error_ = text;
    last_error_time_ = std::time(nullptr);
}

bool StreamController::all_idle() const {
    return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->idle(); });
}

// True where only waiting for somebody else could make a difference, which one-off does not do.
bool StreamController::nothing_more_now() {
    if (queue_.size() == 0 || stream_failure_ || complete_ || stopped_for_good_ || !suspended_.empty()) {
        return true;
    }
    if (session_failures_ > settings_.outgoing.retry_count) {
        return true;
    }
    return session_failures_ == 0 && queue_.due(Clock::now()) == 0 && !queue_.retries_pending();
}

void StreamController::finish_if_done() {
    if (finished_ || !all_idle()) {
        return;
    }
    const bool ending = stopping_ || (one_off_ && nothing_more_now());
    if (ending && !closing_) {
        begin_close();
    }
    if (closing_ && all_idle()) {
        finish(queue_.size() == 0 && !failed_before_);
    }
}

void StreamController::begin_close() {
    closing_ = true;
    for (const std::unique_ptr<Worker>& worker : workers_) {
        worker->close();
    }
}

void StreamController::finish(bool clean) {
    finished_ = true;
    workers_.clear();
    source_.tidy();
    if (one_off_) {
        std::string reason;
        (void)state(reason);
        for (const UnitQueue::Left& left : queue_.left()) {
            const bool own_reason = left.reason != "not sent" || reason.empty();
            channel_.send(process::UnitLeft{left.name, own_reason ? left.reason : reason});
        }
    }
    report();
    channel_.send(process::Finished{clean});
    loop_.stop();
}

void StreamController::set_timer() {
    loop_.cancel(timer_);
    timer_ = 0;
    if (finished_ || closing_) {
        return;
    }
    std::optional<Clock::time_point> next = queue_.next_due();
    const auto consider = [&](Clock::time_point when) { next = next ? std::min(*next, when) : when; };
    const auto now = Clock::now();
    if (queue_.size() > 0) {
        if (back_off_until_ > now) {
            next = back_off_until_;
        } else if (target_suspended_until_ > now) {
            consider(target_suspended_until_);
        }
        if (polling_ && !suspended_.empty()) {
            consider(now + 1s);
        }
    }
    if (next && !stream_failure_ && !complete_ && !stopped_for_good_) {
        timer_ = loop_.call_at(std::max(*next, now + 10ms), [this] {
            timer_ = 0;
            advance();
        });
    }
}

process::StreamState StreamController::state(std::string& reason) {
    using process::StreamState;
    if (stream_failure_) {
        reason = stream_failure_->text();
        return StreamState::failed;
    }
    if (stopped_for_good_) {
        reason = settings_.stopped ? "status: STOPPED in the configuration" : "stopped by a signal";
        return StreamState::stopped;
    }
    if (complete_) {
        return StreamState::complete;
    }
    if (queue_.in_flight() > 0) {
        return StreamState::transferring;
    }
    if (!suspended_.empty()) {
        reason = suspended_;
        return StreamState::suspended;
    }
    if (session_failures_ > 0) {
        reason = session_failure_.text();
        return StreamState::backing_off;
    }
    if (queue_.size() > 0) {
        reason = "units are being written, or wait for their next try";
        return StreamState::waiting;
    }
    return StreamState::idle;
}

void StreamController::report_soon() {
    if (report_timer_ == 0 && !finished_) {
        report_timer_ = loop_.call_after(report_interval, [this] {
            report_timer_ = 0;
            report();
            if (queue_.in_flight() > 0) {
                report_soon();
            }
        });
    }
}

void StreamController::report() {
    process::StreamReport message;
    message.state = state(message.reason);
    message.backlog_units = queue_.size();
    message.backlog_bytes = queue_.bytes();
    message.in_flight = queue_.in_flight();
    message.delivered_units = delivered_units_;
    message.delivered_bytes = std::max(delivered_bytes_, context_.bytes());
    message.quarantined_units = quarantined_;
    message.last_error = last_error_;
    message.last_error_time = last_error_time_;
    const auto now = Clock::now();
    const std::chrono::duration<double> elapsed = now - rate_since_;
    if (elapsed > report_interval / 2) {
        rate_ = static_cast<std::uint64_t>(static_cast<double>(message.delivered_bytes - rate_bytes_) /
                                           elapsed.count());
        rate_since_ = now;
        rate_bytes_ = message.delivered_bytes;
    }
    message.bytes_per_second = queue_.in_flight() > 0 ? rate_ : 0;
    channel_.send(message);
}

}  // namespace mistamover::stream
