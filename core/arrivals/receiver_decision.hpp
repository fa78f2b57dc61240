// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "arrivals/handshake_files.hpp"

namespace mistamover::arrivals {

/// What the receiver does with a control file next.
enum class Step : std::uint8_t {
    wait,     ///< The data may still be coming.
    compute,  ///< The size is right: the checksum is to be computed.
    answer,   ///< With the receipt status that comes along.
};

struct Decision {
    Step step = Step::wait;
    ReceiptStatus status = ReceiptStatus::success;  ///< Where it is an answer.
};

/// What lies under the data file's name.
struct DataSeen {
    bool there = false;
    bool is_file = false;  ///< A regular one: a link or a directory is never what a sender has sent.
    std::uint64_t size = 0;
};

/// `quiet`: how long the control file has been there without the data file growing. Pure, as is the next.
Decision decide_by_size(const Control& control, const DataSeen& data, std::chrono::milliseconds quiet,
                        std::chrono::milliseconds data_grace);

/// Once it has been read: `checksum` on the wire, nothing where it could not be read.
ReceiptStatus decide_by_checksum(const Control& control, const std::optional<std::string>& checksum);

}  // namespace mistamover::arrivals
