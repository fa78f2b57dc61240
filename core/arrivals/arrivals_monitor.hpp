// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "arrivals/arrival.hpp"
#include "arrivals/arrival_answers.hpp"
#include "arrivals/handshake_names.hpp"
#include "arrivals/last_error.hpp"
#include "config/settings.hpp"
#include "logging/client.hpp"

namespace mistamover::arrivals {

/// The receiver's side of the protocol for one stream: looks for control files in the incoming directory and
/// for the data that they announce, has them answered (ArrivalAnswers), and takes receipts away that were
/// thanked for. Whatever a peer has put there, nothing outside the incoming and the stream's directory is
/// touched and nothing is thrown. Used by one thread.
class ArrivalsMonitor {
  public:
    using Clock = std::chrono::steady_clock;

    /// Opens both directories and makes what is missing. `on_result` is called, on another thread, where
    /// take_results() is to be called. Throws std::system_error or std::runtime_error where the directories
    /// cannot be used, or are not on one file system.
    ArrivalsMonitor(const config::StreamSettings& settings, const logging::Logger& log,
                    std::function<void()> on_result);

    /// Goes on with what an earlier process had in hand; to be called once, first. Throws std::system_error
    /// where that cannot be read for now: it is to be tried again with a new monitor.
    void recover(Clock::time_point now);
    /// Looks at the whole incoming directory. Throws std::system_error where it cannot be read.
    void scan(Clock::time_point now);
    /// Something may have changed about these entries of the incoming directory.
    void changed(const std::vector<std::string>& names, Clock::time_point now);
    void take_results();
    /// To be called every few hundred milliseconds while waits() is true.
    void tick(Clock::time_point now);
    /// Removes receipts older than `incoming.receipt_max_age`.
    void remove_old_receipts();

    /// The path of a directory that does not lead to what was opened any more; empty: all do. Nothing more
    /// arrives there then, or is answered: a new monitor opens what is there now.
    [[nodiscard]] std::string lost_directory() const;
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
    /// Nothing is in hand, or waits for anything but that somebody else frees a name, or mends what has kept
    /// files from being taken or answered at so many ticks by now that it hardly passes by itself.
    [[nodiscard]] bool only_stuck() const;
    [[nodiscard]] const ArrivalAnswers& answers() const noexcept { return answers_; }
    [[nodiscard]] const LastError& last_error() const noexcept { return last_error_; }

  private:
    void count_tries();
    [[nodiscard]] bool only_held() const;
    [[nodiscard]] bool all_are_stuck() const;
    [[nodiscard]] bool something_goes_on() const;
    void look_at(const std::vector<std::string>& names, Clock::time_point now);
    void look_at(const std::string& name, Clock::time_point now);
    void look_at_control(const std::string& name, Clock::time_point now);
    void supersede(Arrival& arrival);
    void look_again(Arrival& arrival);
    [[nodiscard]] bool take_control(const std::string& name, Arrival& arrival);
    void unreadable(const std::string& name, const Directory::SmallFile& file);
    [[nodiscard]] bool names_are_allowed(const Control& control) const;
    void look_at_data(Arrival& arrival, Clock::time_point now);
    [[nodiscard]] bool is_arriving(const Arrival& arrival);
    void forget_if_answered(Arrival& arrival);
    void forget(const Arrival& arrival);
    void thank(const std::string& name);

    const config::StreamSettings& settings_;
    Extensions extensions_;
    LastError last_error_;
    Directory incoming_;
    Directory data_;
    std::map<std::string, Arrival> arrivals_;  ///< By their control file.
    std::unordered_multimap<std::string, std::string>
        by_data_;                            ///< Control files of data that is waited for.
    std::map<std::string, int> unreadable_;  ///< With the errno that may pass; 0: it may still be arriving.
    std::set<std::string> immovable_;        ///< Cannot be deleted; it was told.
    int tries_in_vain_ = 0;                  ///< Ticks since anything went on.
    std::set<std::string> dot_files_;  ///< In the incoming directory, as far as this look has asked for them.
    ArrivalAnswers answers_;           ///< Goes first: it works on the others.
};

}  // namespace mistamover::arrivals
