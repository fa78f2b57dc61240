// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/settings.hpp"

namespace mistamover::stream {

/// How many units go into a batch: large ones save steps, small ones keep all sessions busy. Pure.
class BatchSize {
  public:
    static constexpr std::size_t most_units = 2500;
    static constexpr std::uint64_t most_bytes = 256ULL << 20U;
    /// Fewer are not shared among sessions of a module with costly puts.
    static constexpr std::size_t worth_a_put = 500;

    /// `costly_put`: as in Capability.
    BatchSize(const config::OutgoingSettings& outgoing, bool costly_put);

    /// For each of `parallel` sessions where so many units are due; `all_idle`: none of them has a batch.
    [[nodiscard]] std::size_t units(std::size_t due, std::size_t parallel, bool all_idle);

  private:
    std::size_t largest_;
    std::size_t worth_it_;
    std::size_t smallest_ = 0;  ///< Until all sessions are idle.
};

}  // namespace mistamover::stream
