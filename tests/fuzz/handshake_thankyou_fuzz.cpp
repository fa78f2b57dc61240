// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_files.hpp"
#include "fuzz.hpp"

using namespace mistamover;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto thank_you = arrivals::parse_thank_you(fuzz::text_of(data, size));
    if (thank_you) {
        fuzz::require(size <= arrivals::handshake_file_limit);
        fuzz::require(arrivals::parse_thank_you(arrivals::to_text(*thank_you)) == thank_you);
    }
    return 0;
}
