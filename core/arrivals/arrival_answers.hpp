// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "arrivals/arrival.hpp"
#include "arrivals/checksum_pool.hpp"
#include "arrivals/durable_mover.hpp"
#include "arrivals/handshake_names.hpp"
#include "arrivals/last_error.hpp"
#include "arrivals/receipts.hpp"
#include "config/settings.hpp"
#include "logging/client.hpp"

namespace mistamover::arrivals {

/// The way of an arrival from the moment that its data is complete, or will not come, to its receipt:
///
///     take -> checksum -> receipt into the journal -> disk -> stream's directory -> control file goes ->
///     receipt
///                             `- not as announced: the data goes ---------------------^
///
/// Each step is in the journal before the next begins. A file that its sender has meanwhile announced again
/// is delivered once, and gets the receipt that was asked for last. An arrival that is `answered` is done
/// with: the caller forgets it. Used by one thread; its arguments, and the arrivals that it has in hand, must
/// outlive it.
class ArrivalAnswers {
  public:
    /// `is_allowed` tells whether a control file may name what it names. `on_result` is called, on another
    /// thread, where take_results() has something to do.
    ArrivalAnswers(const config::IncomingSettings& settings, const logging::Logger& log,
                   LastError& last_error, const Directory& incoming, const Directory& data,
                   std::function<bool(const Control&)> is_allowed, std::function<void()> on_result);

    /// What an earlier process had in hand; to be called once, first.
    std::vector<ArrivalJournal::Job> recover() { return journal_.recover(); }
    /// Goes on with one of them.
    void resume(Arrival& arrival);

    /// Takes the data file, whose size is right, and has its checksum computed. Nothing has happened where it
    /// is still `waiting`.
    void take(Arrival& arrival);
    /// The data is not as it was announced: it goes, and a receipt says so. `size`: what can be told of it.
    void refuse(Arrival& arrival, ReceiptStatus status, std::optional<std::uint64_t> size);
    /// To be called now and then for one that is `answering` or `held`.
    void carry_out(Arrival& arrival);
    /// Ends it without an answer: its sender still has the file.
    void discard(Arrival& arrival);

    /// What take, refuse, carry_out and take_results have begun goes on, at the latest, from here on.
    void hand_over();
    /// Those that have come further meanwhile.
    std::set<Arrival*> take_results();

    [[nodiscard]] Receipts& receipts() noexcept { return receipts_; }
    [[nodiscard]] const Directory& journal_directory() const noexcept { return journal_.directory(); }
    [[nodiscard]] std::uint64_t accepted_files() const noexcept { return accepted_files_; }
    [[nodiscard]] std::uint64_t accepted_bytes() const noexcept { return accepted_bytes_; }

  private:
    [[nodiscard]] bool begin(Arrival& arrival);
    void tell_trouble(Arrival& arrival, const std::string& what, const std::string& why);
    void tell_trouble(Arrival& arrival, const std::string& what, int error);
    void put_off(Arrival& arrival, const std::string& what, const std::string& why);
    void put_off(Arrival& arrival, const std::string& what, int error);
    void compute(Arrival& arrival, const FileIdentity& data);
    void computed(Arrival& arrival, const ChecksumResult& result);
    void answer(Arrival& arrival, ReceiptStatus status, std::optional<std::uint64_t> size,
                const std::string& checksum);
    [[nodiscard]] int remove_refused(const Arrival& arrival) const;
    void deliver(Arrival& arrival);
    void moved(Arrival& arrival, const MoveResult& result);
    [[nodiscard]] bool settle_second(Arrival& arrival, const MoveResult& result);
    void hold(Arrival& arrival);
    void compared(Arrival& arrival, const ChecksumResult& result);
    void finish(Arrival& arrival);
    [[nodiscard]] int remove_control(Arrival& arrival);
    [[nodiscard]] std::optional<Control> announced_again(const Arrival& arrival,
                                                         const Directory::SmallFile& file) const;
    [[nodiscard]] int adopt(Arrival& arrival, const Directory::SmallFile& file, const Control& control);
    [[nodiscard]] int publish(Arrival& arrival);
    void end_job(Arrival& arrival);

    const config::IncomingSettings& settings_;
    logging::Logger log_;
    LastError& last_error_;
    const Directory& incoming_;
    const Directory& data_;
    std::function<bool(const Control&)> is_allowed_;
    ArrivalJournal journal_;
    Receipts receipts_;
    std::unordered_map<ArrivalJournal::Number, Arrival*> jobs_;
    std::vector<std::string> accepted_now_;  ///< For the log, a line each.
    std::uint64_t accepted_files_ = 0;
    std::uint64_t accepted_bytes_ = 0;
    ChecksumPool checksums_;  // these two before the journal goes, whose files they work on
    DurableMover mover_;
};

}  // namespace mistamover::arrivals
