// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <mistamover/border.hpp>

#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_tools.hpp"

namespace mistamover::ftp {

/// One stat request.
class Stat {
  public:
    using Indices = std::vector<std::size_t>;

    Stat(Tools tools, std::span<const std::string_view> paths, StatSink& sink)
        : tools_(tools), lookup_(tools), paths_(paths), sink_(sink) {}

    /// As Session::stat, of the paths with these indices. Throws StatusError where the session has failed.
    void run(const Indices& asked);

  private:
    /// What the server has not told, by index, and what it said instead.
    using Refusals = std::vector<std::pair<std::size_t, Reply>>;

    void look_by_mlst(const Indices& asked);
    void look_by_size(const Indices& asked);
    void look_otherwise(const Refusals& unclear);
    Refusals tell_sizes(const Indices& asked);
    bool tell_directory(std::size_t index);
    [[nodiscard]] Status why_not(std::size_t index, const Reply& reply);

    Tools tools_;
    Lookup lookup_;
    std::span<const std::string_view> paths_;
    StatSink& sink_;
    Refusals refused_;
};

}  // namespace mistamover::ftp
