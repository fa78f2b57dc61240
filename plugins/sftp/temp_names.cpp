// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/temp_names.hpp"

#include <random>
#include <utility>

#include <mistamover/leftovers.hpp>

namespace mistamover::sftp {

TempNames::TempNames(std::string directory) : directory_(std::move(directory)) {
    std::random_device random;
    prefix_ = std::to_string(std::uint64_t{random()} << 32U | random()) + '.';
}

std::string TempNames::next() {
    return directory_ + '/' + prefix_ + std::to_string(count_++);
}

std::string TempNames::next_resumable() {
    return directory_ + '/' + std::string(resumable_prefix) + prefix_ + std::to_string(count_++);
}

std::string TempNames::next_in(const std::string& directory) {
    return directory + "/." + prefix_ + std::to_string(count_++);
}

}  // namespace mistamover::sftp
