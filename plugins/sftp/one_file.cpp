// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/one_file.hpp"

namespace mistamover::sftp {

bool is_telling(SourceFile& source, const Piece& piece) {
    std::string content(piece.size, '\0');
    return source.read(piece.offset, content.data(), piece.size).ok() &&
           content.find_first_not_of('\0') != std::string::npos;
}

bool holds(Server& server, const std::string& handle, SourceFile& source, const Piece& piece) {
    std::string expected(piece.size, '\0');
    if (!source.read(piece.offset, expected.data(), piece.size).ok()) {
        return false;
    }
    bool same = false;
    server.ask(
        PacketType::read,
        [&](PacketWriter& packet) {
            packet.text(handle).long_number(piece.offset).number(static_cast<std::uint32_t>(piece.size));
        },
        [&](Reply& reply) { same = reply.type == PacketType::data && reply.body.text() == expected; });
    return same;
}

std::uint64_t size_of(Server& server, const std::string& handle) {
    std::uint64_t size = 0;
    server.ask(
        PacketType::fstat, [&](PacketWriter& packet) { packet.text(handle); },
        [&](Reply& reply) {
            if (reply.type == PacketType::attributes) {
                size = reply.body.attributes().size.value_or(0);
            }
        });
    return size;
}

}  // namespace mistamover::sftp
