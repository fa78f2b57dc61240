// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "logging/client.hpp"
#include "process/channel.hpp"
#include "process/event_loop.hpp"
#include "stream/batch_size.hpp"
#include "stream/handshake_journal.hpp"
#include "stream/handshakes.hpp"
#include "stream/ledger.hpp"
#include "stream/stream_report.hpp"
#include "stream/target_cleaning.hpp"
#include "stream/target_health.hpp"
#include "stream/unit_intake.hpp"
#include "stream/unit_queue.hpp"
#include "stream/workers.hpp"

namespace mistamover::stream {

/// Decides what one stream does next: which units are handed to which worker, what becomes of those that come
/// back, when the stream is suspended, backs off or ends. Lives on the event loop's thread.
class StreamController {
  public:
    /// `of_module`: what the module says that some target may offer.
    StreamController(process::EventLoop& loop, process::Channel& channel,
                     const config::StreamSettings& settings, bool one_off, logging::Logger log,
                     SourceDirectory& source, border::Module& module, Capabilities of_module,
                     StreamSessionContext& context, CancelToken& cancel, std::string temp_dir,
                     const std::filesystem::path& work_dir);
    ~StreamController();
    StreamController(const StreamController&) = delete;
    StreamController& operator=(const StreamController&) = delete;

    /// `held`: units that are about to be deleted, until ReleaseUnits.
    void start(const std::vector<std::string>& held);
    void handle(const process::Message& message);
    /// Start no other unit; end the ones in hand, or give them up when `grace` is over.
    void stop(std::chrono::milliseconds grace);

  private:
    using Clock = process::EventLoop::Clock;

    void resume_handshakes();
    void advance();
    void dispatch(Clock::time_point now);
    void look_for_receipts(Clock::time_point now);
    /// Nothing can be begun before the end of a job.
    [[nodiscard]] bool waits_for_a_job() const;
    void hand_out(std::size_t due, Clock::time_point now);
    void send(Worker& worker, std::vector<Candidate>&& batch, Clock::time_point now);
    [[nodiscard]] std::size_t room_for_units() const;
    /// Units are on their way, beyond those that wait for their receipts.
    [[nodiscard]] bool is_sending() const;
    [[nodiscard]] bool mirrors() const { return settings_.outgoing.mode == TransferMode::mirror; }
    [[nodiscard]] std::string why_suspended(Clock::time_point now);
    void collect_results();
    void clean_target(bool ask_for_stop);
    [[nodiscard]] bool must_ask_for_stop(Clock::time_point now) const;
    void take_in(BatchResult& result, Clock::time_point begun);
    void let_others_go_first(BatchResult& result) const;
    [[nodiscard]] bool directory_is_empty() const;
    void session_ended(const BatchResult& result, Clock::time_point now);
    void session_failed(const Status& status, Clock::time_point now);
    void finish_if_done();
    void finish(bool clean);
    void begin_close();
    /// In a row, after which one-off gives up.
    [[nodiscard]] std::uint32_t most_failures() const;
    [[nodiscard]] bool nothing_more_now();
    void set_timer(Clock::time_point now);
    [[nodiscard]] StreamFacts facts() const;

    process::EventLoop& loop_;
    process::Channel& channel_;
    const config::StreamSettings& settings_;
    bool one_off_;
    logging::Logger log_;
    SourceDirectory& source_;
    StreamSessionContext& context_;
    CancelToken& cancel_;
    process::UniqueFd worker_event_;
    Worker::Shared shared_;
    UnitQueue queue_;
    Handshakes handshakes_;
    Ledger ledger_;
    UnitIntake intake_;
    BatchSize batch_size_;
    TargetHealth health_;
    TargetCleaning cleaning_;
    HandshakeJournal journal_;
    StreamReporter reporter_;
    std::mt19937 random_{std::random_device{}()};

    bool stopping_ = false;
    bool closing_ = false;  ///< The sessions are being closed, or are.
    bool finished_ = false;
    bool stopped_for_good_ = false;  ///< `status: STOPPED` or SIGUSR1.
    bool complete_ = false;
    std::string suspended_;
    Clock::time_point stop_asked_at_{};  ///< The target had no .stop file then, or later.
    Clock::time_point pass_started_{};
    Clock::time_point next_mirror_pass_{};
    process::EventLoop::TimerId timer_ = 0;
    Workers workers_;  ///< Last: its threads end before what they use.
};

}  // namespace mistamover::stream
