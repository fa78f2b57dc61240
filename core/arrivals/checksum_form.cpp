// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/checksum_form.hpp"

#include <array>

namespace mistamover::arrivals {

std::string checksum_on_wire(std::string_view algorithm, std::string_view digest) {
    return algorithm == "md5" ? std::string(digest) : std::string(algorithm) + ':' + std::string(digest);
}

std::string_view algorithm_of(std::string_view checksum_on_wire) noexcept {
    constexpr std::array<std::string_view, 2> prefixed{"sha256", "blake2b512"};
    const std::string_view prefix = checksum_on_wire.substr(0, checksum_on_wire.find(':'));
    for (const std::string_view algorithm : prefixed) {
        if (prefix == algorithm && prefix.size() < checksum_on_wire.size()) {
            return algorithm;
        }
    }
    return "md5";
}

}  // namespace mistamover::arrivals
