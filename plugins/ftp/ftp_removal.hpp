// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_tools.hpp"

namespace mistamover::ftp {

/// One remove request. Servers may show a link to a directory as a directory (ProFTPD: ShowSymlinks off), and
/// what lies behind it is not the target's. So each directory of which contents are to be removed, too, is
/// first deleted as if it were a file, from the top down: a link goes, and all that was seen behind it counts
/// as removed; a directory is refused, and goes when it is empty.
class Removal {
  public:
    using Indices = std::vector<std::size_t>;

    Removal(Tools tools, std::span<const std::string_view> paths, RemoveSink& sink)
        : tools_(tools), paths_(paths), sink_(sink) {}

    /// As Session::remove, of the paths with these indices. Throws StatusError where the session has failed.
    void run(const Indices& asked);

  private:
    Indices remove_links(const Indices& asked);
    void remove(std::span<const std::size_t> some);
    Status remove_directory(std::string_view path, const Reply& refused, Lookup& lookup);

    Tools tools_;
    std::span<const std::string_view> paths_;
    RemoveSink& sink_;
};

}  // namespace mistamover::ftp
