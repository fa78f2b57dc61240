// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/server_clock.hpp"

#include <algorithm>

namespace mistamover::sftp {

ServerClock::Moment ServerClock::Moment::now() {
    return {std::chrono::system_clock::now().time_since_epoch(),
            std::chrono::steady_clock::now().time_since_epoch()};
}

bool ServerClock::is_due(const Moment& now) const {
    return !due_ || now.steady >= *due_;
}

void ServerClock::note(const Moment& begin, const Moment& end, std::optional<std::uint32_t> told) {
    constexpr Time known_for = std::chrono::hours{1};
    constexpr Time unknown_for = std::chrono::minutes{1};
    // What is told may be cut to even seconds, as FAT has them.
    constexpr Time told_precision = std::chrono::seconds{2};
    due_ = end.steady + (told ? known_for : unknown_for);
    if (!told) {
        return;
    }
    // The earlier of the two, for the clock may have been set in between, and the steady one stands still
    // while the machine is suspended.
    const Time stored = std::min(begin.since_1970, end.since_1970 - (end.steady - begin.steady));
    ahead_ = std::max(ahead_, std::chrono::seconds{*told} + told_precision - stored);
}

}  // namespace mistamover::sftp
