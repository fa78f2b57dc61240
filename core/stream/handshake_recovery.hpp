// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "config/settings.hpp"
#include "stream/handshake.hpp"
#include "stream/source_directory.hpp"

namespace mistamover::stream {

struct RecoveredHandshakes {
    std::vector<Handshake> handshakes;
    /// What they are of, as far as it is here: exactly the units that some of them name, each once.
    std::vector<Candidate> units;
};

/// The handshakes that an earlier process has left in the journal. Each is to be gone on with before its unit
/// is sent again: its receipt, its control file and its data are looked for at the target. Throws
/// std::system_error where it cannot be told what is here.
RecoveredHandshakes recover_handshakes(const SourceDirectory& source,
                                       const config::OutgoingSettings& settings);

/// The rules that a handshake goes by.
arrivals::SenderHandshake::Rules handshake_rules(const config::OutgoingSettings& settings);

}  // namespace mistamover::stream
