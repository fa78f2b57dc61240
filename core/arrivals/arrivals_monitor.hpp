// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/checksum_pool.hpp"
#include "arrivals/handshake_files.hpp"
#include "arrivals/handshake_names.hpp"
#include "arrivals/receipts.hpp"
#include "arrivals/receiver_decision.hpp"
#include "config/settings.hpp"
#include "logging/client.hpp"

namespace mistamover::arrivals {

/// The receiver's side of the protocol for one stream: takes what arrives in the incoming directory, checks
/// it and delivers it to the stream's directory. Whatever a peer has put there, nothing outside the two
/// directories is touched and nothing is thrown. Used by one thread; the pool computes for it.
class ArrivalsMonitor {
  public:
    using Clock = std::chrono::steady_clock;

    /// Opens both directories and makes what is missing. Throws std::system_error or std::runtime_error where
    /// they cannot be used, or are not on one file system.
    ArrivalsMonitor(const config::StreamSettings& settings, logging::Logger log, ChecksumPool& pool);

    /// Goes on with what an earlier process had in hand; to be called once, first.
    void recover(Clock::time_point now);
    /// Looks at the whole incoming directory. Throws std::system_error where it cannot be read.
    void scan(Clock::time_point now);
    /// Something may have changed about this entry of the incoming directory.
    void changed(const std::string& name, Clock::time_point now);
    void take_results();
    /// To be called every few hundred milliseconds while waits() is true.
    void tick(Clock::time_point now);
    /// Removes receipts older than `incoming.receipt_max_age`.
    void remove_old_receipts();

    /// Something waits for its data, for a name to become free, or to become readable.
    [[nodiscard]] bool waits() const;
    /// Changes of the incoming directory may go unnoticed by the kernel.
    [[nodiscard]] bool is_remote() const noexcept { return incoming_.is_remote(); }

    struct Left {
        std::string name;
        std::string reason;
    };
    /// Everything that has not been answered, with why.
    [[nodiscard]] std::vector<Left> left() const;
    /// Nothing is being computed or waits for anything but a name that somebody else must free.
    [[nodiscard]] bool only_held() const;
    [[nodiscard]] std::uint64_t accepted_files() const noexcept { return accepted_files_; }
    [[nodiscard]] std::uint64_t accepted_bytes() const noexcept { return accepted_bytes_; }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::int64_t last_error_time() const noexcept { return last_error_time_; }

  private:
    enum class State : std::uint8_t {
        waiting,    ///< For its data.
        computing,  ///< The checksum of the data.
        answering,  ///< The verdict is known and is being carried out.
        held,       ///< The name in the stream's directory is taken.
        comparing,  ///< What has the name is being compared.
    };
    struct Arrival {
        std::string control_file;
        std::string control_text;
        std::optional<FileIdentity> control_identity;
        Control control;
        State state = State::waiting;
        Clock::time_point last_growth;
        std::uint64_t last_size = 0;
        std::optional<ArrivalJournal::Number> job;
        bool has_data = false;  ///< The journal has taken the data file.
        FileIdentity data;      ///< As it was when the checksum was asked for.
        std::optional<Receipt> receipt;
        bool receipt_written = false;
        std::optional<FileIdentity> compared;  ///< What holds the name, and is another file.
    };

    void look_at_control(const std::string& name, Clock::time_point now);
    void supersede(Arrival& arrival);
    [[nodiscard]] bool take_control(const std::string& name, const FileIdentity& identity, Arrival& arrival);
    void unreadable(const std::string& name, const FileIdentity& identity);
    [[nodiscard]] bool names_are_allowed(const Control& control) const;
    void look_at_data(Arrival& arrival, Clock::time_point now);
    [[nodiscard]] bool is_arriving(const Arrival& arrival) const;
    void take_data(Arrival& arrival, Clock::time_point now);
    void compute(Arrival& arrival);
    void computed(Arrival& arrival, const std::optional<std::string>& digest);
    void compared(Arrival& arrival, const std::optional<std::string>& digest);
    void answer(Arrival& arrival, ReceiptStatus status, std::optional<std::uint64_t> size,
                const std::string& checksum);
    void carry_out(Arrival& arrival);
    [[nodiscard]] bool deliver(Arrival& arrival);
    void hold(Arrival& arrival);
    void discard(const Arrival& arrival);
    void finish(const Arrival& arrival);
    void publish(const Arrival& arrival);
    void thank(const std::string& name);
    void note_error(const std::string& text);

    const config::StreamSettings& settings_;
    Extensions extensions_;
    logging::Logger log_;
    ChecksumPool& pool_;
    Directory incoming_;
    Directory data_;
    ArrivalJournal journal_;
    Receipts receipts_;
    std::map<std::string, Arrival> arrivals_;  ///< By their control file.
    std::unordered_multimap<std::string, std::string>
        by_data_;  ///< Control files of data that is waited for.
    std::unordered_map<ArrivalJournal::Number, std::string> jobs_;  ///< Control files.
    std::set<std::string> unreadable_;                              ///< May still be arriving.
    std::set<std::string> immovable_;                               ///< Cannot be deleted; it was told.
    std::uint64_t accepted_files_ = 0;
    std::uint64_t accepted_bytes_ = 0;
    std::string last_error_;
    std::int64_t last_error_time_ = 0;
};

}  // namespace mistamover::arrivals
