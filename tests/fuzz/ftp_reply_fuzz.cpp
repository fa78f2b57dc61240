// SPDX-License-Identifier: BSD-3-Clause
#include <stdexcept>

#include "ftp/ftp_reply.hpp"
#include "fuzz.hpp"

using namespace mistamover;

// What a server sends on the control connection, in two pieces.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    ftp::ReplyParser parser;
    try {
        for (const std::string_view piece : {text.substr(0, size / 2), text.substr(size / 2)}) {
            parser.feed(piece);
            while (const auto reply = parser.take()) {
                fuzz::require(reply->code >= 100 && reply->code <= 599 && !reply->lines.empty());
                (void)ftp::features_in(*reply);
                (void)ftp::size_of(*reply);
                (void)ftp::digest_in(*reply, 32);
                for (const std::string& line : reply->lines) {
                    (void)ftp::epsv_port(line);
                    (void)ftp::pasv_port(line);
                    (void)ftp::quoted_path(line);
                }
            }
        }
    } catch (const std::runtime_error&) {
        return 0;  // as the header says
    }
    return 0;
}
