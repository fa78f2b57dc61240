// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <vector>

#include <mistamover/status.hpp>

#include "stream/handshake.hpp"
#include "stream/unit_result.hpp"

namespace mistamover::stream {

/// What has become of one job of a session.
struct BatchResult {
    std::vector<UnitResult> units;
    std::vector<Handshake> handshakes;  ///< Units that now wait for their receipts, or still do.
    std::size_t looked_for = 0;         ///< For so many units it was looked for a receipt.
    Status session;                     ///< Of session or stream scope where it is not ok.
    bool not_opened = false;            ///< There is no session: `session` says why.
    bool asked_for_stop = false;        ///< It was looked whether the target directory has a .stop file.
    bool target_suspended = false;      ///< The target directory has a .stop file: nothing was sent.
    bool used_target = false;           ///< It was tried to bring units there, or receipts have ended some.
    bool kept_leftovers = false;        ///< Cleaning: something is left with which a put may go on.
};

}  // namespace mistamover::stream
