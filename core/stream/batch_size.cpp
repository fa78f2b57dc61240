// SPDX-License-Identifier: BSD-3-Clause
#include "stream/batch_size.hpp"

#include <algorithm>

namespace mistamover::stream {
namespace {

// By the arrivals protocol the receiver shall have work while the next batches are on their way.
std::size_t largest_batch(const config::OutgoingSettings& outgoing) {
    if (!outgoing.target_uses_arrival_monitor) {
        return BatchSize::most_units;
    }
    const std::size_t share_of_window = outgoing.handshake_window / (2 * outgoing.parallel_transfers);
    return std::clamp<std::size_t>(share_of_window, 1, BatchSize::most_units);
}

}  // namespace

// A module whose bytes the core does not see shares a limit out among the sessions: it takes them all to
// reach it.
BatchSize::BatchSize(const config::OutgoingSettings& outgoing, bool costly_put)
    : largest_(largest_batch(outgoing)),
      worth_it_(costly_put && !outgoing.bandwidth_limit ? std::min(worth_a_put, largest_) : 1) {}

// What is left when the first sessions have done theirs is not cut up ever more finely: a batch has its
// price.
std::size_t BatchSize::units(std::size_t due, std::size_t parallel, bool all_idle) {
    constexpr std::size_t last_pieces = 3;
    const std::size_t fair = std::clamp((due + parallel - 1) / parallel, worth_it_, largest_);
    if (all_idle) {
        smallest_ = fair / last_pieces;
    }
    return std::max(fair, smallest_);
}

}  // namespace mistamover::stream
