// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "arrivals/sender_handshake.hpp"
#include "stream/manifest.hpp"
#include "stream/unit_result.hpp"

namespace mistamover::stream {

/// One unit on its way by the arrivals protocol, from the moment that it is to be sent until its receipt has
/// been thanked for. A plain value that goes to and fro between the event loop and the workers.
struct Handshake {
    /// `awaiting_receipt` as long as it goes on. No name: the unit is not here any more.
    UnitResult result;
    /// What is, or was, sent. Nothing where an earlier process has sent it: the control file alone tells
    /// then.
    std::optional<Manifest> sent;
    /// From when the data is at the target.
    std::optional<arrivals::SenderHandshake> state;

    /// Whether the control file is at the target is not known: it is looked for until it is.
    bool control_in_doubt = false;
    /// The last look has shown the data file there without a control file.
    bool data_seen_alone = false;
    /// How it ends; what is left to do is to thank, and to forget it.
    std::optional<Outcome> end;
    std::uint32_t failed_removals = 0;  ///< It has arrived, but could not be deleted here.
    /// It has arrived, but there was no room here to find out whether it still is what was sent.
    std::uint32_t failures_for_room = 0;
    std::chrono::steady_clock::time_point next_try_for_room{};
    std::string thankyou_name;  ///< Where `end` is known; empty: there is nothing to thank for.

    std::chrono::milliseconds pause{0};  ///< Before the next look for its receipt.
};

}  // namespace mistamover::stream
