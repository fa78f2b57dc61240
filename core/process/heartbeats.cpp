// SPDX-License-Identifier: BSD-3-Clause
#include "process/heartbeats.hpp"

#include "process/messages.hpp"

namespace mistamover::process {

Heartbeats::Heartbeats(EventLoop& loop, Channel& channel, std::chrono::milliseconds interval)
    : loop_(loop), channel_(channel), interval_(interval) {
    std::random_device random;
    beat(spread_over(interval, random));
}

void Heartbeats::beat(std::chrono::milliseconds until_next) {
    channel_.send(Heartbeat{});
    timer_ = loop_.call_after(until_next, [this] { beat(interval_); });
}

}  // namespace mistamover::process
