// SPDX-License-Identifier: BSD-3-Clause
#include <mistamover/transfer_module.hpp>

#include "fuzz.hpp"
#include "sftp/packet.hpp"

using namespace mistamover;

// What a server sends, in two pieces.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    sftp::PacketSplitter splitter;
    try {
        for (const std::string_view piece : {text.substr(0, size / 2), text.substr(size / 2)}) {
            splitter.feed(piece);
            while (const auto packet = splitter.next()) {
                fuzz::require(packet->size() <= sftp::longest_packet);
                sftp::PacketReader reader(*packet);
                (void)reader.type();
                (void)reader.number();
                fuzz::require(reader.text().size() <= packet->size());
                (void)sftp::info_of(reader.attributes());
            }
        }
    } catch (const StatusError&) {
        return 0;  // as the header says
    }
    return 0;
}
