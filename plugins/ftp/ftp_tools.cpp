// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_tools.hpp"

#include <random>

namespace mistamover::ftp {

// A server may go on writing for a process that has died; the next one must not meet its files.
TempNames::TempNames() {
    std::random_device random;
    prefix_ = std::to_string(std::uint64_t{random()} << 32U | random()) + '.';
}

std::string TempNames::next(const FtpOptions& options, bool resumable) {
    const std::string_view kind = resumable ? resumable_prefix : std::string_view();
    return join(options.temp_dir, std::string(kind) + prefix_ + std::to_string(++count_));
}

}  // namespace mistamover::ftp
