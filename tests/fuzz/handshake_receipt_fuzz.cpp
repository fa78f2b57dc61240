// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_files.hpp"
#include "fuzz.hpp"

using namespace mistamover;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto receipt = arrivals::parse_receipt(fuzz::text_of(data, size));
    if (!receipt) {
        return 0;
    }
    fuzz::require(size <= arrivals::handshake_file_limit);
    fuzz::require(!arrivals::to_string(receipt->status).empty());
    fuzz::require(arrivals::parse_receipt(arrivals::to_text(*receipt)) == receipt);
    return 0;
}
