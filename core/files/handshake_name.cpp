// SPDX-License-Identifier: BSD-3-Clause
#include "files/handshake_name.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace mistamover::files {
namespace {

// FNV-1a: the same in every process and version, unlike std::hash.
std::string hash_of(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
    return digits.data();
}

}  // namespace

std::string handshake_name(std::string_view data_name, std::string_view ending) {
    const std::size_t room = longest_name - 1 - ending.size();
    std::string name = ".";
    if (data_name.size() <= room) {
        name += data_name;
    } else {
        const std::string hash = '~' + hash_of(data_name);
        name += data_name.substr(0, room - hash.size());
        name += hash;
    }
    return name.append(ending);
}

}  // namespace mistamover::files
