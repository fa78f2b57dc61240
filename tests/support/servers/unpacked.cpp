// SPDX-License-Identifier: BSD-3-Clause
#include "servers/unpacked.hpp"

#include <stdexcept>

namespace mistamover::test {

std::filesystem::path unpacked(const std::filesystem::path& file) {
    const std::filesystem::path directory = TEST_UNPACKED_SERVERS;
    if (!std::filesystem::exists(directory / file)) {
        throw std::runtime_error(
            file.string() +
            " is not there: run `tools/packages install test` and `tools/packages unpack "
            "server build/servers`, or tools/test, in " +
            directory.parent_path().parent_path().string());
    }
    return directory / file;
}

}  // namespace mistamover::test
