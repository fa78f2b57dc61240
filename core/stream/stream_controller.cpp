// SPDX-License-Identifier: BSD-3-Clause
#include "stream/stream_controller.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>

#include "stream/handshake_recovery.hpp"

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

constexpr auto stop_answer_holds = 1s;
constexpr auto longest_mirror_pause = 60s;

}  // namespace

StreamController::StreamController(process::EventLoop& loop, process::Channel& channel,
                                   const config::StreamSettings& settings, bool one_off, logging::Logger log,
                                   SourceDirectory& source, border::Module& module, Capabilities of_module,
                                   StreamSessionContext& context, CancelToken& cancel, std::string temp_dir,
                                   const std::filesystem::path& work_dir)
    : loop_(loop),
      channel_(channel),
      settings_(settings),
      one_off_(one_off),
      log_(std::move(log)),
      source_(source),
      context_(context),
      cancel_(cancel),
      worker_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      shared_{source,
              settings,
              module,
              context,
              std::move(temp_dir),
              SourceMark(work_dir, settings.directory),
              [fd = worker_event_.get()] { ::eventfd_write(fd, 1); }},
      handshakes_(settings.outgoing.receipt_file_poll_interval),
      ledger_(settings, one_off, source, queue_, log_),
      intake_(loop, settings, source, queue_, ledger_, [this] { advance(); }),
      batch_size_(settings.outgoing, of_module.has(Capability::costly_put)),
      health_(retry_policy(settings)),
      cleaning_(work_dir),
      journal_(source, settings.outgoing),
      reporter_(loop, channel, [this] { return facts(); }),
      stopped_for_good_(settings.stopped),
      workers_(shared_, settings.outgoing.parallel_transfers) {
    loop_.watch(worker_event_.get(), EPOLLIN, [this](std::uint32_t) {
        eventfd_t count = 0;
        ::eventfd_read(worker_event_.get(), &count);
        collect_results();
    });
}

StreamController::~StreamController() {
    loop_.unwatch(worker_event_.get());
    loop_.cancel(timer_);
}

void StreamController::start(const std::vector<std::string>& held) {
    (void)intake_.hold(held);
    for (const SourceDirectory::Recovered& unit : source_.quarantine_half_deleted()) {
        ledger_.recovered(unit, true);
    }
    for (const SourceDirectory::Recovered& unit : source_.recover()) {
        ledger_.recovered(unit, false);
    }
    resume_handshakes();
    if (!one_off_) {
        channel_.send(
            process::WatchRequest{source_.path().string(), mirrors(), settings_.outgoing.stop_file});
    }
    intake_.look();
}

void StreamController::resume_handshakes() {
    if (!settings_.outgoing.target_uses_arrival_monitor) {
        return;
    }
    RecoveredHandshakes recovered = recover_handshakes(source_, settings_.outgoing);
    for (const Candidate& unit : recovered.units) {
        queue_.add_in_flight(unit);
    }
    handshakes_.add(std::move(recovered.handshakes), 0, Clock::now());
}

void StreamController::handle(const process::Message& message) {
    if (const auto* names = std::get_if<process::Changed>(&message)) {
        intake_.changed(names->names);
    } else if (std::holds_alternative<process::Rescan>(message)) {
        intake_.set_watched(true);
    } else if (const auto* failed = std::get_if<process::WatchFailed>(&message)) {
        log_.warning("the directory cannot be watched (" + failed->reason + "): it is looked at every " +
                     format_duration(settings_.global.general_poll_interval) + " instead");
        intake_.set_watched(false);
    } else if (const auto* stop_message = std::get_if<process::Stop>(&message)) {
        stop(std::chrono::milliseconds{stop_message->grace_ms});
    } else if (std::holds_alternative<process::StopStream>(message)) {
        log_.info("stopped after the units in hand");
        stopped_for_good_ = true;
        advance();
    } else if (const auto* wanted = std::get_if<process::HoldUnits>(&message)) {
        channel_.send(process::UnitsHeld{wanted->request, intake_.hold(wanted->names)});
    } else if (std::holds_alternative<process::ReleaseUnits>(message)) {
        intake_.release();
    }
}

void StreamController::stop(std::chrono::milliseconds grace) {
    stopping_ = true;
    intake_.stop();
    // The rest of the grace is for the modules to give up cleanly. Told again, the earlier moment counts.
    loop_.call_after(grace * 3 / 4, [this] { cancel_.cancel(); });
    advance();
}

void StreamController::advance() {
    if (finished_) {
        return;
    }
    // One moment for all: what is not due yet for the one must not be over for the other.
    const auto now = Clock::now();
    dispatch(now);
    finish_if_done();
    set_timer(now);
    if (!finished_) {
        reporter_.report_soon();
    }
}

std::string StreamController::why_suspended(Clock::time_point now) {
    const files::StopAuthor author = source_.stop_author();
    const bool holds_sending = settings_.disk_space.stop_outgoing || mirrors();
    if (author == files::StopAuthor::somebody_else ||
        (author == files::StopAuthor::disk_space_monitor && holds_sending)) {
        return "a " + settings_.outgoing.stop_file + " file in the stream's directory";
    }
    if (health_.suspended(now)) {
        return "a " + settings_.outgoing.stop_file + " file in the target directory";
    }
    return "";
}

void StreamController::dispatch(Clock::time_point now) {
    if (stopping_ || closing_ || health_.stream_failure() || cleaning_.is_under_way() ||
        health_.backs_off(now)) {
        return;
    }
    if (queue_.size() == 0) {
        cleaning_.nothing_left_to_send();
    }
    const bool clean = cleaning_.is_clean();
    if (!clean && !workers_.all_idle()) {
        return;
    }
    if (!clean && (cleaning_.something_may_lie_there() || handshakes_.size() > 0)) {
        // What a crash or a lost connection left at the target goes even if there is nothing to send.
        clean_target(false);
        return;
    }
    // What was begun is ended whatever holds back new units.
    look_for_receipts(now);
    if (stopped_for_good_ || complete_) {
        return;
    }
    suspended_ = why_suspended(now);
    const std::size_t due = queue_.due(now);
    if (due == 0 || now < next_mirror_pass_ || !suspended_.empty()) {
        return;
    }
    if (clean) {
        hand_out(due, now);
    } else {
        clean_target(true);
    }
}

void StreamController::look_for_receipts(Clock::time_point now) {
    for (std::size_t i = 0; i < workers_.most(); ++i) {
        const auto next = handshakes_.next_look();
        if (!next || *next > now) {
            return;
        }
        if (workers_.may_start(workers_.at(i), now)) {
            Worker::Job job;
            job.handshakes = handshakes_.take_due(BatchSize::most_units, now);
            workers_.at(i).start(std::move(job));
        }
    }
}

// Whatever is due meanwhile: that end makes it look at everything anew.
bool StreamController::waits_for_a_job() const {
    return stopping_ || cleaning_.is_under_way() || (!cleaning_.is_clean() && !workers_.all_idle());
}

void StreamController::clean_target(bool ask_for_stop) {
    Worker::Job job;
    job.clean = cleaning_.begin();
    job.ask_for_stop = ask_for_stop;
    workers_.for_one_alone().start(std::move(job));
}

// One answer serves the batches that are handed out soon after it, but no unit goes by an answer that is
// older than itself.
bool StreamController::must_ask_for_stop(Clock::time_point now) const {
    return stop_asked_at_ < intake_.news_at() || now - stop_asked_at_ > stop_answer_holds;
}

void StreamController::hand_out(std::size_t due, Clock::time_point now) {
    if (!health_.well()) {
        // One unit goes ahead alone, and sessions do not all meet the next failure.
        if (workers_.all_idle() && room_for_units() > 0) {
            send(workers_.for_one_alone(), queue_.take_one(now), now);
        }
        return;
    }
    const std::size_t share = batch_size_.units(due, workers_.allowed(now), workers_.all_idle());
    for (std::size_t i = 0; i < workers_.most(); ++i) {
        if (!workers_.may_start(workers_.at(i), now)) {
            continue;
        }
        const std::size_t count = std::min(share, room_for_units());
        std::vector<Candidate> batch = queue_.take(count, BatchSize::most_bytes, now);
        if (batch.empty()) {
            return;
        }
        send(workers_.at(i), std::move(batch), now);
    }
}

void StreamController::send(Worker& worker, std::vector<Candidate>&& batch, Clock::time_point now) {
    Worker::Job job;
    job.batch = std::move(batch);
    job.ask_for_stop = must_ask_for_stop(now);
    cleaning_.will_send();
    pass_started_ = now;
    worker.start(std::move(job));
}

std::size_t StreamController::room_for_units() const {
    return settings_.outgoing.target_uses_arrival_monitor
               ? handshakes_.room(settings_.outgoing.handshake_window, queue_.in_flight(), journal_.room())
               : SIZE_MAX;
}

bool StreamController::is_sending() const {
    return queue_.in_flight() > handshakes_.size();
}

void StreamController::collect_results() {
    for (const std::unique_ptr<Worker>& worker : workers_) {
        if (std::optional<BatchResult> result = worker->take_result()) {
            if (closing_) {
                cleaning_.session_closed(result->session.ok());
            } else {
                if (result->asked_for_stop && result->session.ok() && !result->target_suspended) {
                    stop_asked_at_ = std::max(stop_asked_at_, worker->begun());
                }
                take_in(*result, worker->begun());
            }
        }
    }
    advance();
}

void StreamController::take_in(BatchResult& result, Clock::time_point begun) {
    const auto now = Clock::now();
    handshakes_.add(std::move(result.handshakes), result.looked_for, now);
    if (cleaning_.is_under_way()) {
        cleaning_.ended(result);
    }
    let_others_go_first(result);
    ledger_.take_in(result.units, now);
    if (mirrors() && !result.units.empty()) {
        // A tree that changes all the time is not gone through all the time.
        next_mirror_pass_ = now + std::min<Clock::duration>(now - pass_started_, longest_mirror_pause);
    }
    if (result.target_suspended) {
        health_.suspend(now + settings_.outgoing.stop_file_poll_interval);
        log_.info("suspended: the target directory has a " + settings_.outgoing.stop_file + " file");
    } else if (result.session.ok()) {
        // Cleaning up says nothing of whether anything can be sent: not on a full disk.
        if (result.used_target && health_.worked(begun) == TargetHealth::News::recovered) {
            log_.info("the target can be used again");
            ledger_.target_recovered();
        }
    } else {
        session_ended(result, now);
    }
    if (ledger_.completion_seen() && !complete_ && queue_.size() == 0 && directory_is_empty()) {
        complete_ = true;
        log_.info("complete: " + settings_.completion_file + " was delivered and the directory is empty");
    }
}

// One that went alone, after a failure or since others went before it already, and with which the session has
// failed again.
void StreamController::let_others_go_first(BatchResult& result) const {
    const bool failed = !result.session.ok() && result.session.code() != StatusCode::cancelled;
    if (!failed || !result.used_target || result.units.size() != 1 || queue_.size() <= 1) {
        return;
    }
    UnitResult& unit = result.units.front();
    if (unit.outcome == Outcome::not_tried && (!health_.well() || queue_.was_passed_over(unit.name))) {
        unit.outcome = Outcome::passed_over;
        unit.status = result.session;
    }
}

bool StreamController::directory_is_empty() const {
    try {
        return source_.scan().empty();
    } catch (const std::system_error&) {
        return false;
    }
}

void StreamController::session_ended(const BatchResult& result, Clock::time_point now) {
    const std::size_t open = workers_.open_sessions();
    const bool cancelled = result.session.code() == StatusCode::cancelled;
    const bool for_all = result.session.scope() == StatusScope::stream || !health_.well();
    if (result.not_opened && open > 0 && !cancelled && !for_all) {
        // Sessions that have died unseen tell so when they are used next.
        if (workers_.refused_one_more(open, now)) {
            log_.warning("the target lets in fewer than " +
                         std::to_string(settings_.outgoing.parallel_transfers) + " sessions at once (" +
                         std::string(result.session.text()) +
                         "): these do it all, and more are tried again in " +
                         format_duration(SessionLimit::tried_again_after));
        }
        return;
    }
    cleaning_.session_failed();
    if (!cancelled) {
        session_failed(result.session, now);
    }
}

void StreamController::session_failed(const Status& status, Clock::time_point now) {
    const std::string what = std::string(status.text()) + " (" + std::string(to_string(status.code())) + ')';
    const double jitter = std::uniform_real_distribution<>(0, 1)(random_);
    switch (health_.failed(status, now, jitter)) {
        case TargetHealth::News::stream_failed:
            log_.critical("the stream has stopped until its configuration or the host is mended: " + what);
            break;
        case TargetHealth::News::first_failure:
            ledger_.note_error(what + "; the files are kept and it is tried again");
            break;
        default:
            log_.debug(what);
            break;
    }
}

// A unit that breaks its session says nothing of the target, which the others must be tried to tell. But
// where that goes on and on it is the target.
std::uint32_t StreamController::most_failures() const {
    const std::uint32_t tries = settings_.outgoing.retry_count;
    return tries + std::min(ledger_.passed_over_units(), tries);
}

// True where only waiting for somebody else could make a difference, which one-off does not do.
bool StreamController::nothing_more_now() {
    if (health_.stream_failure() || health_.failures() > most_failures()) {
        return true;
    }
    if (handshakes_.size() > 0) {
        return false;
    }
    if (queue_.size() == 0 || complete_ || stopped_for_good_ || !suspended_.empty()) {
        return true;
    }
    return health_.well() && Clock::now() >= next_mirror_pass_ && queue_.due(Clock::now()) == 0 &&
           !queue_.retries_pending();
}

void StreamController::finish_if_done() {
    if (finished_ || !workers_.all_idle()) {
        return;
    }
    const bool ending = stopping_ || (one_off_ && nothing_more_now());
    if (ending && !closing_) {
        begin_close();
    }
    if (closing_ && workers_.all_idle()) {
        finish(queue_.size() == 0 && ledger_.given_up().empty());
    }
}

void StreamController::begin_close() {
    closing_ = true;
    workers_.close();
}

void StreamController::finish(bool clean) {
    finished_ = true;
    cleaning_.over();
    workers_.clear();
    source_.tidy();
    journal_.leave();
    if (one_off_) {
        for (const UnitQueue::Left& left : ledger_.given_up()) {
            channel_.send(process::UnitLeft{left.name, left.reason});
        }
        const StreamFacts end = facts();
        for (const UnitQueue::Left& left : queue_.left()) {
            channel_.send(process::UnitLeft{left.name, why_left(left, end)});
        }
    }
    reporter_.report();
    channel_.send(process::Finished{clean});
    loop_.stop();
}

void StreamController::set_timer(Clock::time_point now) {
    loop_.cancel(timer_);
    timer_ = 0;
    if (finished_ || closing_ || waits_for_a_job()) {
        return;
    }
    std::optional<Clock::time_point> next = queue_.next_due();
    const auto consider = [&](Clock::time_point when) { next = next ? std::min(*next, when) : when; };
    if (queue_.size() > 0) {
        if (health_.backs_off(now)) {
            next = health_.next_try(now);
        } else if (const auto next_try = health_.next_try(now)) {
            consider(*next_try);
        }
        if (next_mirror_pass_ > now) {
            consider(next_mirror_pass_);
        }
        if (!intake_.is_watched() && !suspended_.empty()) {
            consider(now + 1s);
        }
    }
    if (complete_ || stopped_for_good_) {
        next.reset();
    }
    if (const auto next_look = handshakes_.next_look();
        next_look && !health_.backs_off(now) && workers_.any_may_start(now)) {
        consider(*next_look);
    }
    if (!cleaning_.is_clean() && health_.backs_off(now)) {
        next = health_.next_try(now);
    }
    if (next && !health_.stream_failure()) {
        timer_ = loop_.call_at(std::max(*next, now + 10ms), [this] {
            timer_ = 0;
            advance();
        });
    }
}

StreamFacts StreamController::facts() const {
    StreamFacts facts;
    facts.counts = counts_of(queue_, ledger_, context_.bytes());
    if (health_.stream_failure()) {
        facts.stream_failure = health_.stream_failure()->text();
    }
    if (!health_.well()) {
        facts.target_failure = health_.failure().text();
    }
    if (stopped_for_good_) {
        facts.stopped = settings_.stopped ? "status: STOPPED in the configuration" : "stopped by a signal";
    }
    facts.suspended = suspended_;
    facts.complete = complete_;
    facts.sending = is_sending();
    facts.receipts_due = handshakes_.size() > 0;
    facts.stopping = stopping_;
    if (!facts.sending) {
        facts.waiting = queue_.first_waiting();
    }
    if (cleaning_.is_under_way()) {
        facts.before_units = "the temporary directory at the target is emptied first";
    } else if (Clock::now() < next_mirror_pass_) {
        facts.before_units = "changes wait for the next pass";
    }
    return facts;
}

}  // namespace mistamover::stream
