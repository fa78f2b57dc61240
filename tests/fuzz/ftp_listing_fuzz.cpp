// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_listing.hpp"
#include "fuzz.hpp"

using namespace mistamover;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const std::chrono::system_clock::time_point now{std::chrono::seconds{1'795'000'000}};
    for (const ftp::Listing& listing : {ftp::read_mlsd(text), ftp::read_list(text, now)}) {
        for (const ftp::ListedEntry& entry : listing.entries) {
            fuzz::require(!entry.name.empty() && entry.name != "." && entry.name != "..");
        }
    }
    (void)ftp::parse_mlst_facts(text);
    if (const auto time = ftp::parse_time_value(text)) {
        (void)ftp::format_time_value(*time);
    }
    return 0;
}
