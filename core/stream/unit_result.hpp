// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mistamover/status.hpp>

#include "stream/source_directory.hpp"

namespace mistamover::stream {

enum class Outcome : std::uint8_t {
    delivered,  ///< Proved at the target and, in move mode, gone from the source.
    left_over,  ///< Delivered, but not deleted whole; `status` says where what is left of it is.
    being_written,
    settling,          ///< It changed so lately that it may not be complete: `settle_ms` more are needed.
    changed,           ///< It changed while it was being sent.
    displaced,         ///< It changed, and could not keep its name; `status` says where it is.
    vanished,          ///< Somebody took it away before it was sent.
    held,              ///< Another unit must go first, as `status` says.
    failed,            ///< `status` says why; counts against the unit.
    refused,           ///< `status` says why; trying again would not help.
    not_tried,         ///< The session or the stream failed first.
    passed_over,       ///< The session has failed again, and may have failed because of it, as `status` says.
    no_room,           ///< What must be made of it to be sent has no room here, as `status` says.
    awaiting_receipt,  ///< Sent; the rest is for the arrivals protocol to tell.
};

struct UnitResult {
    std::string name;
    Outcome outcome = Outcome::not_tried;
    std::uint64_t bytes = 0;
    std::int64_t settle_ms = 0;
    Status status;
    bool stays_aside = false;          ///< Of what is displaced or left over: not even the quarantine has it.
    std::vector<std::string> actions;  ///< What a mirror has done, for the log.
};

/// What its removal makes of a unit that was delivered.
void note_removal(UnitResult& unit, const SourceDirectory::Removed& removed);

}  // namespace mistamover::stream
