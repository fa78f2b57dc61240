// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz.hpp"
#include "rsync/rsync_output.hpp"

using namespace mistamover;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    std::size_t lines = 0;
    rsync::LineSplitter splitter([&](std::string_view line) {
        ++lines;
        fuzz::require(line.find('\n') == std::string_view::npos);
        (void)rsync::parse_item_line(line);
        (void)rsync::parse_list_line(line);
        fuzz::require(rsync::unescaped(line).size() <= line.size());
    });
    splitter.feed(text.substr(0, size / 2));
    splitter.feed(text.substr(size / 2));
    fuzz::require(lines <= size);
    return 0;
}
