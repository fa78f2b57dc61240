// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/handshake_files.hpp"
#include "arrivals/incoming_directory.hpp"

namespace mistamover::arrivals {

/// What one control file announced, from when it was read until it has been answered.
struct Arrival {
    enum class State : std::uint8_t {
        waiting,     ///< For its data.
        computing,   ///< The checksum of the data.
        answering,   ///< The verdict is being carried out; without a receipt, the checksum is yet to be had.
        delivering,  ///< Is being written to the disk, and gets its name in the stream's directory.
        held,        ///< That name is taken.
        comparing,   ///< What has the name is being compared.
        answered,    ///< It is to be forgotten.
    };

    std::string control_file;
    std::string control_text;
    std::optional<FileIdentity> control_identity;
    Control control;
    State state = State::waiting;
    std::chrono::steady_clock::time_point last_growth;
    std::uint64_t last_size = 0;
    std::optional<ArrivalJournal::Number> job;
    bool has_data = false;   ///< The journal has the data file.
    bool was_taken = false;  ///< The journal has it, or has had it.
    FileIdentity data;       ///< As it was when the checksum was asked for, if it ever was.
    std::optional<Receipt> receipt;
    bool receipt_written = false;  ///< Into the journal, where it still is.
    bool carried_out = false;      ///< What the receipt tells of is done: it is to be published.
    bool control_removed = false;
    std::string trouble;  ///< Why it cannot go on, behind its name or an "it"; empty: as its state says.
    bool trouble_told = false;
    std::optional<FileIdentity> compared;  ///< What holds the name, and is another file.
    bool is_second = false;  ///< That one has the same content: it is being written to the disk.
    int first_error = 0;     ///< errno of that; it is replaced then.
};

}  // namespace mistamover::arrivals
